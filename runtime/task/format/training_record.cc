#include "runtime/task/format/training_record.h"

#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "runtime/model/json_fields.h"

namespace fathom {
namespace {

using nlohmann::json;

SkipRange ReadTrainedRange(JsonFields& fields, int layers) {
  const json* pair = fields.Find("trained_skip_layers");
  if (pair == nullptr) return {};
  const bool is_pair = pair->is_array() && pair->size() == 2 && (*pair)[0].is_number_unsigned() &&
                       (*pair)[1].is_number_unsigned();
  if (!is_pair || (*pair)[0] > (*pair)[1] || (*pair)[1] > layers) {
    fields.Refuse("trained_skip_layers",
                  absl::StrCat("[first, last] with 0 <= first <= last <= ", layers));
    return {};
  }
  return {(*pair)[0].get<int>(), (*pair)[1].get<int>()};
}

// What a point may hold beside its score; absent in records of before the key was written.
struct PointKey {
  const char* name;
  std::optional<double> DepthPoint::*member;
  double most;  // least: 0
  const char* expected;
};
constexpr double kUnbounded = std::numeric_limits<double>::infinity();
constexpr std::array<PointKey, 5> kPointKeys = {{
    {"agreement", &DepthPoint::agreement, 1, "a share from 0 to 1"},
    {"macro_f1", &DepthPoint::macro_f1, 1, "a share from 0 to 1"},
    {"half_width", &DepthPoint::half_width, kUnbounded, "a number from 0"},
    {"ms_one_task", &DepthPoint::ms_one_task, kUnbounded, "a number from 0"},
    {"ms_eight_tasks", &DepthPoint::ms_eight_tasks, kUnbounded, "a number from 0"},
}};

absl::StatusOr<DepthPoint> ParsePoint(const json& value, int layers) {
  if (!value.is_object()) return absl::InvalidArgumentError("is no object");
  JsonFields fields(value);
  DepthPoint point;
  point.skip_layers = static_cast<int>(fields.Integer("skip_layers", {0, layers}));
  point.score = fields.Number("score");
  for (const PointKey& key : kPointKeys) {
    if (fields.Find(key.name) == nullptr) continue;
    const double number = fields.Number(key.name);
    if (!(number >= 0 && number <= key.most)) fields.Refuse(key.name, key.expected);
    point.*key.member = number;
  }
  if (!fields.status().ok()) return fields.status();
  return point;
}

absl::StatusOr<std::vector<DepthPoint>> ParsePoints(const json& list, int layers) {
  if (!list.is_array()) return absl::InvalidArgumentError("depth_profile is no list");
  std::vector<DepthPoint> points;
  for (const json& item : list) {
    const std::string where = absl::StrCat("depth_profile[", points.size(), "]");
    absl::StatusOr<DepthPoint> point = ParsePoint(item, layers);
    if (!point.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(where, ": ", point.status().message()));
    }
    if (!points.empty() && point->skip_layers <= points.back().skip_layers) {
      return absl::InvalidArgumentError(absl::StrCat(where, ": skip_layers is ", point->skip_layers,
                                                     " after ", points.back().skip_layers,
                                                     ", expected ascending ones"));
    }
    points.push_back(*std::move(point));
  }
  return points;
}

absl::StatusOr<std::optional<DepthProfile>> ParseProfile(JsonFields& fields, int layers) {
  DepthProfile profile;
  profile.metric = fields.String("metric", "");
  profile.samples = fields.Integer("samples", {0, int64_t{1} << 53}, 0);
  if (fields.Find("majority_baseline") != nullptr) {
    profile.majority_baseline = fields.Number("majority_baseline");
  }
  const json* list = fields.Find("depth_profile");
  if (list == nullptr) return std::nullopt;
  absl::StatusOr<std::vector<DepthPoint>> points = ParsePoints(*list, layers);
  if (!points.ok()) return points.status();
  if (points->empty()) return std::nullopt;
  profile.points = *std::move(points);
  return profile;
}

bool IsFinite(const DepthProfile& profile) {
  for (const DepthPoint& point : profile.points) {
    if (!std::isfinite(point.score)) return false;
    for (const PointKey& key : kPointKeys) {
      if (!std::isfinite((point.*key.member).value_or(0))) return false;
    }
  }
  return std::isfinite(profile.majority_baseline.value_or(0));
}

void AddProfile(const DepthProfile& profile, json& made) {
  json points = json::array();
  for (const DepthPoint& point : profile.points) {
    json item = {{"skip_layers", point.skip_layers}, {"score", point.score}};
    for (const PointKey& key : kPointKeys) {
      if (const std::optional<double>& number = point.*key.member) item[key.name] = *number;
    }
    points.push_back(std::move(item));
  }
  made["metric"] = profile.metric;
  made["samples"] = profile.samples;
  made["depth_profile"] = std::move(points);
  if (profile.majority_baseline) made["majority_baseline"] = *profile.majority_baseline;
}

}  // namespace

absl::StatusOr<TrainingRecord> ParseTrainingRecord(const json& value, int layers) {
  if (!value.is_object()) return absl::InvalidArgumentError("fathom is no object");
  JsonFields fields(value);
  TrainingRecord record;
  record.method = fields.String("method", "");
  record.encoder_fingerprint = fields.String("encoder_fingerprint", "");
  record.trained_skip_layers = ReadTrainedRange(fields, layers);
  record.shares_layers = fields.Boolean("shares_layers", false);
  if (const json* details = fields.Find("details")) {
    if (!details->is_object()) fields.Refuse("details", "an object");
    record.details_json = details->dump();
  }
  absl::StatusOr<std::optional<DepthProfile>> profile = ParseProfile(fields, layers);
  const absl::Status& status = fields.status().ok() ? profile.status() : fields.status();
  if (!status.ok()) return absl::InvalidArgumentError(absl::StrCat("fathom: ", status.message()));
  record.profile = *std::move(profile);
  return record;
}

absl::StatusOr<json> MakeTrainingRecord(const TrainingRecord& record) {
  absl::StatusOr<json> details = ParseJsonObject(record.details_json);
  if (!details.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("details: ", details.status().message()));
  }
  json made = {
      {"method", record.method},
      {"trained_skip_layers", {record.trained_skip_layers.first, record.trained_skip_layers.last}},
      {"encoder_fingerprint", record.encoder_fingerprint},
      {"details", *std::move(details)},
  };
  if (record.shares_layers) made["shares_layers"] = true;
  if (record.profile) {
    if (!IsFinite(*record.profile)) {
      return absl::InvalidArgumentError("the depth profile holds a number that is not finite");
    }
    AddProfile(*record.profile, made);
  }
  return made;
}

}  // namespace fathom
