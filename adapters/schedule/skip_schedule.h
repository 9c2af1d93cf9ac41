// SkipSchedule: the skip depth n of every optimizer step, by training method.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "runtime/task/profile.h"

namespace fathom::training {

enum class Method : unsigned char {
  kStandard,     // n = 0
  kSpecialized,  // one n, given by the user
  kRobust,       // n drawn uniformly from 0 … L−1 once an optimizer step
  kFull,         // full fine-tuning: there is no adapter; n = 0
  kLast,         // without the last n layers: what dropping from the bottom is compared with
  kRandom,       // n layers drawn at random once an optimizer step, for the same
};

std::optional<Method> ParseMethod(std::string_view name);
std::string_view MethodName(Method method);

struct SkipScheduleOptions {
  Method method = Method::kRobust;
  int layers = 0;       // L
  int given_depth = 0;  // n of kSpecialized, kLast and kRandom, 0 … L−1; otherwise 0
  uint64_t seed = 0;
};

// The layers that run without the task's modules in one step.
struct SkippedLayers {
  int count = 0;
  std::vector<bool> which;  // [L]; empty: the first `count`
};

// Random draws come from an engine of their own, so that nothing else that is random in training
// moves them. One thread at a time.
class SkipSchedule {
 public:
  explicit SkipSchedule(const SkipScheduleOptions& options);

  // Of the next optimizer step. The layers of kLast are not among them: its adapter never has
  // modules there.
  SkippedLayers Next();

  // The skip depths that training sees; of kRandom and kLast, 0.
  SkipRange trained_range() const;

  // The place in the stream, as text; Restore continues from there. INVALID_ARGUMENT for a text
  // that State did not write.
  std::string State() const;
  absl::Status Restore(const std::string& state);

 private:
  std::vector<bool> DrawLayers();

  SkipScheduleOptions options_;
  std::mt19937_64 engine_;
};

}  // namespace fathom::training
