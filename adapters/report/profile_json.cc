#include "adapters/report/profile_json.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

namespace fathom::training {
namespace {

using nlohmann::ordered_json;

void AddIfThere(ordered_json& object, const char* key, const std::optional<double>& number) {
  if (number) object[key] = *number;
}

ordered_json PointJson(const DepthPoint& point) {
  ordered_json made = {{"skip_layers", point.skip_layers}, {"score", point.score}};
  AddIfThere(made, "agreement", point.agreement);
  AddIfThere(made, "macro_f1", point.macro_f1);
  AddIfThere(made, "half_width", point.half_width);
  AddIfThere(made, "ms_one_task", point.ms_one_task);
  AddIfThere(made, "ms_eight_tasks", point.ms_eight_tasks);
  return made;
}

}  // namespace

std::string FormatProfileJson(const ProfileSource& source, const DepthProfile& profile) {
  ordered_json task = {
      {"metric", profile.metric}, {"data", source.data}, {"samples", profile.samples}};
  AddIfThere(task, "majority_baseline", profile.majority_baseline);
  task["points"] = ordered_json::array();
  task["profile_steps"] = ordered_json::array();
  for (size_t i = 0; i < profile.points.size(); ++i) {
    task["points"].push_back(PointJson(profile.points[i]));
    if (i + 1 == profile.points.size()) break;
    task["profile_steps"].push_back(profile.points[i].score - profile.points[i + 1].score);
  }
  ordered_json file;
  file["tasks"][source.task] = std::move(task);
  return file.dump(2) + "\n";
}

nlohmann::json ProfileDataDetails(const std::string& file, const std::string& digest,
                                  const std::string& dev_digest) {
  nlohmann::json details = {{"profile-data", std::filesystem::path(file).filename().string()},
                            {"profile-data-sha256", digest},
                            {"profile-data-chose-weights", nullptr}};
  if (!dev_digest.empty()) details["profile-data-chose-weights"] = digest == dev_digest;
  return details;
}

}  // namespace fathom::training
