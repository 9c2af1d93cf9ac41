#include "adapters/schedule/skip_schedule.h"

#include <sstream>

#include "adapters/schedule/uniform.h"

namespace fathom::training {

std::optional<Method> ParseMethod(std::string_view name) {
  for (Method method : {Method::kStandard, Method::kSpecialized, Method::kRobust, Method::kFull,
                        Method::kLast, Method::kRandom}) {
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
    case Method::kLast:
      return "last";
    case Method::kRandom:
      return "random";
  }
  return "";
}

SkipSchedule::SkipSchedule(const SkipScheduleOptions& options)
    : options_(options), engine_(StreamSeed(options.seed, Stream::kSkipLayers)) {}

SkippedLayers SkipSchedule::Next() {
  if (options_.method == Method::kRobust) {
    return {.count =
                static_cast<int>(UniformIndex(engine_, static_cast<uint64_t>(options_.layers)))};
  }
  if (options_.method == Method::kRandom) {
    return {.count = options_.given_depth, .which = DrawLayers()};
  }
  return {.count = trained_range().first};
}

// As many as were asked for, each set as likely as any other: layer by layer, with the chance of
// what is left to be drawn.
std::vector<bool> SkipSchedule::DrawLayers() {
  std::vector<bool> drawn(static_cast<size_t>(options_.layers), false);
  auto wanted = static_cast<uint64_t>(options_.given_depth);
  for (size_t layer = 0; layer < drawn.size(); ++layer) {
    drawn[layer] = UniformIndex(engine_, drawn.size() - layer) < wanted;
    if (drawn[layer]) --wanted;
  }
  return drawn;
}

SkipRange SkipSchedule::trained_range() const {
  switch (options_.method) {
    case Method::kStandard:
    case Method::kFull:
    case Method::kLast:
    case Method::kRandom:
      return {0, 0};
    case Method::kSpecialized:
      return {options_.given_depth, options_.given_depth};
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
