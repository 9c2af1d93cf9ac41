#include "adapters/schedule/skip_schedule.h"

#include <sstream>

#include "adapters/schedule/uniform.h"

namespace fathom::training {

std::optional<Method> ParseMethod(std::string_view name) {
  for (Method method : {Method::kStandard, Method::kSpecialized, Method::kRobust, Method::kFull}) {
    if (MethodName(method) == name) return method;
  }
  return std::nullopt;
}

std::string_view MethodName(Method method) {
  switch (method) {
    case Method::kStandard:
      return "standard";
    case Method::kSpecialized:
      return "specialized";
    case Method::kRobust:
      return "robust";
    case Method::kFull:
      return "full";
  }
  return "";
}

SkipSchedule::SkipSchedule(const SkipScheduleOptions& options)
    : options_(options), engine_(StreamSeed(options.seed, Stream::kSkipLayers)) {}

int SkipSchedule::Next() {
  if (options_.method == Method::kRobust) {
    return static_cast<int>(UniformIndex(engine_, static_cast<uint64_t>(options_.layers)));
  }
  return trained_range().first;
}

SkipRange SkipSchedule::trained_range() const {
  switch (options_.method) {
    case Method::kStandard:
    case Method::kFull:
      return {0, 0};
    case Method::kSpecialized:
      return {options_.specialized_depth, options_.specialized_depth};
    case Method::kRobust:
      return {0, options_.layers - 1};
  }
  return {};
}

std::string SkipSchedule::State() const {
  std::ostringstream state;
  state << engine_;
  return state.str();
}

absl::Status SkipSchedule::Restore(const std::string& state) {
  std::mt19937_64 engine;
  std::istringstream stream(state);
  if (!(stream >> engine)) {
    return absl::InvalidArgumentError("the state of the skip depth stream cannot be read");
  }
  engine_ = engine;
  return absl::OkStatus();
}

}  // namespace fathom::training
