// SkipSchedule: the skip depth n of every optimizer step, by training method.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "runtime/task/profile.h"

namespace fathom::training {

enum class Method : unsigned char {
  kStandard,     // n = 0
  kSpecialized,  // one n, given by the user
  kRobust,       // n drawn uniformly from 0 … L−1 once an optimizer step
  kFull,         // full fine-tuning: there is no adapter; n = 0
};

std::optional<Method> ParseMethod(std::string_view name);
std::string_view MethodName(Method method);

struct SkipScheduleOptions {
  Method method = Method::kRobust;
  int layers = 0;             // L
  int specialized_depth = 0;  // n of kSpecialized, 0 … L−1
  uint64_t seed = 0;
};

// Robust draws come from an engine of their own, so that nothing else that is random in training
// moves them. One thread at a time.
class SkipSchedule {
 public:
  explicit SkipSchedule(const SkipScheduleOptions& options);

  // n of the next optimizer step.
  int Next();

  // The skip depths that training sees.
  SkipRange trained_range() const;

  // The place in the stream, as text; Restore continues from there. INVALID_ARGUMENT for a text
  // that State did not write.
  std::string State() const;
  absl::Status Restore(const std::string& state);

 private:
  SkipScheduleOptions options_;
  std::mt19937_64 engine_;
};

}  // namespace fathom::training
