#include "runtime/model/gemm_times_json.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "runtime/model/gemm.h"

namespace fathom {
namespace {

// REQUIRES: the list is an array.
std::optional<GemmTimes> FindTimes(const nlohmann::json& list, const GemmCandidate& candidate) {
  for (const nlohmann::json& entry : list) {
    if (entry.at("form").get<std::string>() != GemmFormName(candidate.form) ||
        entry.at("fused_activation").get<bool>() != candidate.fused_activation) {
      continue;
    }
    std::optional<RowTimes> times = RowTimesFromJson(entry.at("times"));
    if (times.has_value()) return GemmTimes{candidate, *std::move(times)};
  }
  return std::nullopt;
}

bool SameKnots(const RowTimes& a, const RowTimes& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const RowTime& x, const RowTime& y) { return x.rows == y.rows; });
}

// Every candidate of the shape, or nothing: a build with a new one measures again.
std::optional<std::vector<GemmTimes>> AllTimes(const nlohmann::json& list, Activation activation,
                                               Precision precision) {
  std::vector<GemmTimes> all;
  for (const GemmCandidate& candidate : GemmCandidates(activation, precision)) {
    std::optional<GemmTimes> times = FindTimes(list, candidate);
    if (!times.has_value()) return std::nullopt;
    all.push_back(*std::move(times));
    if (!SameKnots(all.front().times, all.back().times)) return std::nullopt;
  }
  if (all.empty()) return std::nullopt;
  return all;
}

}  // namespace

nlohmann::json ToJson(const RowTimes& times) {
  nlohmann::json list = nlohmann::json::array();
  for (const RowTime& time : times) list.push_back({time.rows, time.ms});
  return list;
}

std::optional<RowTimes> RowTimesFromJson(const nlohmann::json& json) {
  RowTimes times;
  for (const nlohmann::json& knot : json) {
    const RowTime time{knot.at(0).get<int64_t>(), knot.at(1).get<double>()};
    const int64_t rows_before = times.empty() ? 0 : times.back().rows;
    if (time.rows <= rows_before || !std::isfinite(time.ms) || time.ms <= 0) return std::nullopt;
    times.push_back(time);
  }
  if (times.empty()) return std::nullopt;
  return times;
}

nlohmann::json ToJson(const ShapeTimes& times) {
  nlohmann::json shapes = nlohmann::json::array();
  for (const auto& [shape, candidates] : times) {
    nlohmann::json list = nlohmann::json::array();
    for (const GemmTimes& one : candidates) {
      list.push_back({{"form", GemmFormName(one.candidate.form)},
                      {"fused_activation", one.candidate.fused_activation},
                      {"times", ToJson(one.times)}});
    }
    shapes.push_back({{"out", shape.out},
                      {"in", shape.in},
                      {"activation", ActivationName(shape.activation)},
                      {"candidates", std::move(list)}});
  }
  return shapes;
}

std::optional<ShapeTimes> ShapeTimesFromJson(const nlohmann::json& json, Precision precision) {
  try {
    ShapeTimes times;
    for (const nlohmann::json& entry : json) {
      const auto activation = ParseActivation(entry.at("activation").get<std::string>());
      if (!activation.has_value()) return std::nullopt;
      auto candidates = AllTimes(entry.at("candidates"), *activation, precision);
      if (!candidates.has_value()) return std::nullopt;
      times[{entry.at("out").get<int64_t>(), entry.at("in").get<int64_t>(), *activation}] =
          *std::move(candidates);
    }
    if (times.empty()) return std::nullopt;
    return times;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

}  // namespace fathom
