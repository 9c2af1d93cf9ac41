#include "tests/bench/worker_job.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace fathom::bench {
namespace {

JobTask ParseTask(const nlohmann::json& json) {
  return {.name = json.value("name", ""), .skip_layers = json.value("skip_layers", 0)};
}

JobText ParseText(const nlohmann::json& json) {
  JobText text;
  json.at("ids").get_to(text.text.ids);
  text.text.segment_ids.resize(text.text.ids.size());
  if (json.contains("segment_ids")) json.at("segment_ids").get_to(text.text.segment_ids);
  text.text.full_tokens = static_cast<int32_t>(text.text.ids.size());
  for (const nlohmann::json& task : json.at("tasks")) text.tasks.push_back(ParseTask(task));
  return text;
}

absl::Status Check(const Job& job) {
  if (job.texts.empty()) return absl::InvalidArgumentError("a job without texts");
  if (job.repeat < 1) return absl::InvalidArgumentError("\"repeat\" is less than 1");
  for (const JobText& text : job.texts) {
    if (text.text.ids.empty()) return absl::InvalidArgumentError("a text without ids");
    if (text.tasks.empty()) return absl::InvalidArgumentError("a text without tasks");
    if (text.text.segment_ids.size() != text.text.ids.size()) {
      return absl::InvalidArgumentError("not as many \"segment_ids\" as \"ids\"");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Job> ParseJob(const nlohmann::json& json) {
  Job job;
  try {
    for (const nlohmann::json& text : json.at("texts")) job.texts.push_back(ParseText(text));
    job.untimed = json.value("untimed", 0);
    job.repeat = json.value("repeat", 1);
    job.keep_taps = json.value("keep_taps", false);
  } catch (const nlohmann::json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("not a job: ", error.what()));
  }
  if (absl::Status status = Check(job); !status.ok()) return status;
  return job;
}

}  // namespace fathom::bench
