#include "server/depth/server_depth_chooser.h"

#include <memory>
#include <optional>

#include "server/depth/agreement.h"
#include "server/depth/call_forecast.h"
#include "server/schedule/pass_threads.h"

namespace fathom {
namespace {

// Each (text, task) gets what its question got.
std::vector<std::vector<ChosenDepth>> Spread(const CallDepths& call,
                                             absl::Span<const ChosenDepth> by_question) {
  std::vector<std::vector<ChosenDepth>> chosen;
  chosen.reserve(call.question_of().size());
  for (const std::vector<size_t>& questions : call.question_of()) {
    std::vector<ChosenDepth>& of_text = chosen.emplace_back();
    of_text.reserve(questions.size());
    for (const size_t question : questions) of_text.push_back(by_question[question]);
  }
  return chosen;
}

}  // namespace

ServerDepthChooser::ServerDepthChooser(const Engine* engine, const TaskDepthPolicies* policies,
                                       const Clock* clock)
    : engine_(engine),
      policies_(policies),
      clock_(clock != nullptr ? clock : SystemTime()),
      brownout_(engine->encoder().layers) {}

std::vector<std::vector<ChosenDepth>> ServerDepthChooser::Choose(
    absl::Span<const ScheduledText> texts, const CutMoment& moment) {
  const CallDepths call(texts);
  const std::vector<DepthQuestion> questions = Ask(call);
  const DepthMoment now{.layers = engine_->encoder().layers,
                        .brownout_steps = BrownoutSteps(),
                        .waited_ms = absl::ToDoubleMilliseconds(moment.waited),
                        .ahead_ms = moment.ahead_ms};
  // Beside another pass it gets a share of the threads.
  const int threads = ThreadsOfPass(engine_->concurrency(), 0, moment.ahead_ms > 0);
  CallForecast forecast(*engine_, threads, texts, call);
  const std::vector<ChosenDepth> by_question = ChooseDepths(
      questions, now, [&](absl::Span<const int> depths) { return forecast.Predict(depths); });
  auto chosen = Spread(call, by_question);
  if (now.brownout_steps == 0 && moment.queue_share <= kShadowsUntil) {
    TakeShadows(call, questions, chosen);
  }
  return chosen;
}

std::vector<DepthQuestion> ServerDepthChooser::Ask(const CallDepths& call) const {
  std::vector<DepthQuestion> questions;
  questions.reserve(call.questions().size());
  for (const ScheduledTask* task : call.questions()) {
    DepthQuestion& question = questions.emplace_back();
    question.choice = task->depth;
    if (question.choice.kind == DepthChoice::Kind::kExact) {
      question.choice.skip_layers = task->skip_layers;
    }
    if (task->task == nullptr) continue;
    question.task = &task->task->info();
    if (question.choice.kind == DepthChoice::Kind::kExact) continue;
    question.policy = policies_->Get(question.task->name);
    question.drifted = guards_.Tripped(*task->task);
  }
  return questions;
}

// Only of answers that rose: below and at the default n there is nothing that a guard could undo.
void ServerDepthChooser::TakeShadows(const CallDepths& call,
                                     absl::Span<const DepthQuestion> questions,
                                     std::vector<std::vector<ChosenDepth>>& chosen) {
  std::vector<std::vector<ChosenDepth*>> places(questions.size());
  for (size_t i = 0; i < chosen.size(); ++i) {
    for (size_t j = 0; j < chosen[i].size(); ++j) {
      const size_t q = call.question_of()[i][j];
      const DepthQuestion& question = questions[q];
      if (question.choice.kind == DepthChoice::Kind::kExact || question.task == nullptr) continue;
      if (chosen[i][j].skip_layers <= DefaultDepth(*question.task, question.policy)) continue;
      places[q].push_back(&chosen[i][j]);
    }
  }
  for (size_t q = 0; q < questions.size(); ++q) {
    if (places[q].empty() || call.questions()[q]->output != PassOutput::kHead) continue;
    const std::shared_ptr<const ServableTask>& task = call.questions()[q]->task;
    for (const size_t i : guards_.TakeShadows(task, places[q].front()->skip_layers,
                                              questions[q].policy.shadow_ratio, places[q].size())) {
      places[q][i]->shadow = true;
    }
  }
}

void ServerDepthChooser::OnShadow(const ServableTask& task, int skip_layers,
                                  const TaskOutput& chosen, const TaskOutput& at_zero) {
  const std::optional<double> agreement = Agreement(task.info(), chosen, at_zero);
  if (agreement) guards_.Add(task, skip_layers, *agreement);
}

void ServerDepthChooser::OnQueueShare(double share, absl::Time now) {
  const std::lock_guard lock(mutex_);
  brownout_.Observe(share, now);
}

DepthReport ServerDepthChooser::report() const {
  return {.brownout_steps = BrownoutSteps(), .agreements = guards_.report()};
}

int ServerDepthChooser::BrownoutSteps() const {
  const std::lock_guard lock(mutex_);
  return brownout_.steps(clock_->Steady());
}

}  // namespace fathom
