#include "server/client/load/answer_log.h"

#include <utility>

namespace fathom {
namespace {

nlohmann::json TaskJson(const v1::TaskResult& task) {
  nlohmann::json json = {
      {"name", task.name()}, {"version", task.version()}, {"n", task.depth().skip_layers()}};
  if (task.has_error()) json["error"] = task.error().message();
  if (task.has_classification()) json["label"] = task.classification().label();
  if (task.has_regression()) json["value"] = task.regression().value();
  if (!task.logits().empty()) {
    json["logits"] = std::vector<float>(task.logits().begin(), task.logits().end());
  }
  return json;
}

}  // namespace

nlohmann::json AnswerJson(const CallOutcome& outcome) {
  nlohmann::json json = {{"call", outcome.call},
                         {"sent", outcome.sent_unix_s},
                         {"code", outcome.code},
                         {"latency_ms", outcome.latency_ms}};
  if (outcome.response == nullptr) {
    json["reason"] = outcome.reason;
    json["message"] = outcome.message;
    return json;
  }
  json["results"] = nlohmann::json::array();
  for (const v1::InputResult& input : outcome.response->results()) {
    nlohmann::json tasks = nlohmann::json::array();
    for (const v1::TaskResult& task : input.tasks()) tasks.push_back(TaskJson(task));
    json["results"].push_back({{"id", input.id()}, {"tasks", std::move(tasks)}});
  }
  return json;
}

}  // namespace fathom
