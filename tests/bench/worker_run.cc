#include "tests/bench/worker_run.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tests/bench/measure.h"

namespace fathom::bench {
namespace {

// The texts of a job as the engine takes them, and the tasks that they need.
struct PassTexts {
  std::vector<std::shared_ptr<const ServableTask>> tasks;
  std::vector<PassText> texts;
};

absl::StatusOr<PassTexts> FindTasks(const Job& job, const Engine& engine) {
  PassTexts pass;
  for (const JobText& job_text : job.texts) {
    PassText text{.text = &job_text.text};
    for (const JobTask& job_task : job_text.tasks) {
      PassTask task{.skip_layers = job_task.skip_layers};
      if (!job_task.name.empty()) {
        auto found = engine.FindTask(job_task.name, 0);
        if (!found.ok()) return found.status();
        task.task = found->get();
        pass.tasks.push_back(*std::move(found));
      }
      text.tasks.push_back(task);
    }
    pass.texts.push_back(std::move(text));
  }
  return pass;
}

absl::StatusOr<nlohmann::json> Logits(const PassResult& result) {
  nlohmann::json logits = nlohmann::json::array();
  for (const std::vector<TaskOutput>& text : result.outputs) {
    nlohmann::json of_text = nlohmann::json::array();
    for (const TaskOutput& output : text) {
      if (!output.status.ok()) return output.status;
      of_text.push_back(output.logits);
    }
    logits.push_back(std::move(of_text));
  }
  return logits;
}

}  // namespace

absl::StatusOr<nlohmann::json> RunJob(const Job& job, Engine& engine) {
  const auto pass = FindTasks(job, engine);
  if (!pass.ok()) return pass.status();
  std::vector<double> times;
  PassResult last;
  for (int run = -job.untimed; run < job.repeat; ++run) {
    if (!job.keep_taps) engine.ClearCaches();
    std::optional<absl::StatusOr<PassResult>> result;
    const double ms = MsOf([&] { result = engine.Run(pass->texts, {}); });
    if (!result->ok()) return result->status();
    if (run >= 0) times.push_back(ms);
    last = **std::move(result);
  }
  auto logits = Logits(last);
  if (!logits.ok()) return logits.status();
  Work work;
  for (const Work& text : last.work) work += text;
  return nlohmann::json{{"ms", times},
                        {"logits", *std::move(logits)},
                        {"row_layers_run", work.row_layers_run},
                        {"row_layers_cached", work.row_layers_cached},
                        {"predicted_ms", last.predicted_ms}};
}

}  // namespace fathom::bench
