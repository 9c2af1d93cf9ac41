#include "tests/server/fake_engine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace fathom {
namespace {

constexpr int kLayers = 12;
constexpr int kMaxTokens = 16;

void AppendWords(std::string_view text, int32_t segment, TokenizedText& out) {
  const std::string copy(text);
  for (const absl::string_view word : absl::StrSplit(copy, ' ', absl::SkipEmpty())) {
    int32_t id = 0;
    for (const char c : word) id = (id * 31 + c) % 1000;
    out.ids.push_back(10 + id);
    out.segment_ids.push_back(segment);
    const auto begin = static_cast<int32_t>(word.data() - copy.data());
    out.spans.push_back(
        {.begin = begin, .end = begin + static_cast<int32_t>(word.size()), .text = segment});
  }
}

TokenizedText Encode(const RawText& raw) {
  TokenizedText text;
  text.ids = {1};
  text.segment_ids = {0};
  text.spans.emplace_back();
  AppendWords(raw.first, 0, text);
  if (raw.second.has_value()) AppendWords(*raw.second, 1, text);
  text.ids.push_back(2);
  text.segment_ids.push_back(0);
  text.spans.emplace_back();
  if (!raw.with_spans) text.spans.clear();
  return text;
}

// [4]: tokens, n, and what was asked for.
TaskOutput State(const TokenizedText& text, const PassTask& task) {
  return {.status = absl::OkStatus(),
          .logits = {static_cast<float>(text.ids.size()), static_cast<float>(task.skip_layers),
                     static_cast<float>(task.output), -1}};
}

}  // namespace

FakeEngine::FakeEngine(Concurrency concurrency)
    : concurrency_(concurrency),
      encoder_{.name = "fake-encoder",
               .fingerprint = "f4ce",
               .layers = kLayers,
               .hidden_size = 4,
               .max_tokens = kMaxTokens,
               .device = "cpu",
               .precision = "fp32"} {}

void FakeEngine::AddTask(TaskInfo info) {
  auto key = std::make_pair(info.name, info.version);
  tasks_[std::move(key)] = std::make_shared<ServableTask>(std::move(info));
}

void FakeEngine::Hold() {
  const std::lock_guard lock(mutex_);
  held_ = true;
}

void FakeEngine::Release() {
  const std::lock_guard lock(mutex_);
  held_ = false;
  door_.notify_all();
}

void FakeEngine::ReleaseRun(int run) {
  const std::lock_guard lock(mutex_);
  released_.insert(run);
  door_.notify_all();
}

void FakeEngine::AwaitRuns(int count) {
  std::unique_lock lock(mutex_);
  door_.wait(lock, [&] { return passes_.size() >= static_cast<size_t>(count); });
}

void FakeEngine::FailNextRun(absl::Status status) {
  const std::lock_guard lock(mutex_);
  next_status_ = std::move(status);
}

void FakeEngine::ShortenNextRun() {
  const std::lock_guard lock(mutex_);
  shorten_next_ = true;
}

void FakeEngine::SetTaskStatus(const std::string& task, absl::Status status) {
  const std::lock_guard lock(mutex_);
  task_status_[task] = std::move(status);
}

void FakeEngine::SetTaskLogits(const std::string& task, std::vector<float> logits) {
  const std::lock_guard lock(mutex_);
  task_logits_[task] = std::move(logits);
}

void FakeEngine::SetCost(double fixed_ms, double row_ms) {
  const std::lock_guard lock(mutex_);
  fixed_ms_ = fixed_ms;
  row_ms_ = row_ms;
}

double FakeEngine::PredictMs(absl::Span<const PassText> texts, int /*threads*/) const {
  const std::lock_guard lock(mutex_);
  double rows = 0;
  for (const PassText& text : texts) {
    for (const PassTask& task : text.tasks) {
      const double layers = static_cast<double>(kLayers - task.skip_layers) / kLayers;
      rows += static_cast<double>(text.text->ids.size()) * layers;
    }
  }
  return fixed_ms_ + row_ms_ * rows;
}

std::vector<SeenPass> FakeEngine::passes() const {
  const std::lock_guard lock(mutex_);
  return passes_;
}

int FakeEngine::most_threads() const {
  const std::lock_guard lock(mutex_);
  return most_threads_;
}

void FakeEngine::SetCacheReport(const CacheReport& report) {
  const std::lock_guard lock(mutex_);
  cache_report_ = report;
}

int FakeEngine::cache_clears() const {
  const std::lock_guard lock(mutex_);
  return cache_clears_;
}

TaskCounts FakeEngine::task_counts() const {
  TaskCounts counts;
  for (const auto& [key, task] : tasks_) {
    const bool ok = task->info().load_status.ok();
    (ok ? counts.loaded : counts.refused) += 1;
    (ok ? counts.loads : counts.load_failures) += 1;
  }
  return counts;
}

CacheReport FakeEngine::cache_report() const {
  const std::lock_guard lock(mutex_);
  return cache_report_;
}

void FakeEngine::ClearCaches() {
  const std::lock_guard lock(mutex_);
  ++cache_clears_;
}

absl::StatusOr<TokenizedText> FakeEngine::Tokenize(const TextInput& input,
                                                   Truncation truncation) const {
  TokenizedText text;
  if (const auto* ids = std::get_if<RawTokenIds>(&input)) {
    for (const int32_t id : ids->ids) {
      if (id >= 2000) return absl::InvalidArgumentError(absl::StrCat("unknown token id ", id));
    }
    text.ids = ids->ids;
    text.segment_ids = ids->segment_ids;
  } else {
    text = Encode(std::get<RawText>(input));
  }
  text.full_tokens = static_cast<int32_t>(text.ids.size());
  if (text.full_tokens > kMaxTokens) {
    if (truncation == Truncation::kError) {
      return absl::InvalidArgumentError(
          absl::StrCat("the text has ", text.full_tokens, " tokens, the limit is ", kMaxTokens));
    }
    text.ids.resize(kMaxTokens);
    if (!text.spans.empty()) text.spans.resize(kMaxTokens);
  }
  text.segment_ids.resize(text.ids.size());
  return text;
}

absl::StatusOr<std::shared_ptr<const ServableTask>> FakeEngine::FindTask(std::string_view name,
                                                                         int version) const {
  std::shared_ptr<const ServableTask> found;
  const std::string wanted(name);
  for (auto it = tasks_.lower_bound({wanted, 0}); it != tasks_.end() && it->first.first == wanted;
       ++it) {
    if (!it->second->info().load_status.ok()) continue;
    if (version == 0 || version == it->first.second) found = it->second;
  }
  if (found != nullptr) return found;
  std::vector<std::string> known;
  for (const auto& [key, task] : tasks_) {
    if (task->info().load_status.ok()) known.push_back(key.first);
  }
  known.resize(std::min<size_t>(known.size(), 10));
  return absl::NotFoundError(
      absl::StrCat("no task '", std::string(name), "'; known tasks: ", absl::StrJoin(known, ", ")));
}

std::vector<TaskInfo> FakeEngine::ListTasks() const {
  std::vector<TaskInfo> infos;
  for (const auto& [key, task] : tasks_) infos.push_back(task->info());
  return infos;
}

void FakeEngine::WaitAtDoor(SeenPass seen) {
  std::unique_lock lock(mutex_);
  const auto run = static_cast<int>(passes_.size());
  threads_ += seen.threads;
  most_threads_ = std::max(most_threads_, threads_);
  passes_.push_back(std::move(seen));
  door_.notify_all();
  door_.wait(lock, [&] { return !held_ || released_.contains(run); });
}

TaskOutput FakeEngine::Answer(const TokenizedText& text, const PassTask& task) const {
  if (task.task == nullptr) return State(text, task);
  const TaskInfo& info = task.task->info();
  if (const auto it = task_status_.find(info.name); it != task_status_.end()) {
    return {.status = it->second, .logits = {}};
  }
  if (const auto it = task_logits_.find(info.name); it != task_logits_.end()) {
    return {.status = absl::OkStatus(), .logits = it->second};
  }
  if (task.output != PassOutput::kHead) return State(text, task);
  TaskOutput output;
  const size_t classes = std::max<size_t>(1, info.labels.size());
  const bool tags = info.head == HeadKind::kTagging;
  for (size_t token = 0; token < (tags ? text.ids.size() : 1); ++token) {
    const int32_t id = text.ids[tags ? token : text.ids.size() / 2];
    for (size_t c = 0; c < classes; ++c) {
      const size_t seed = static_cast<size_t>(id) + info.name.size();
      output.logits.push_back(static_cast<float>((seed + 7 * c) % 5) -
                              0.1F * static_cast<float>(task.skip_layers));
    }
  }
  return output;
}

absl::StatusOr<PassResult> FakeEngine::Run(absl::Span<const PassText> texts,
                                           const RunOptions& options) {
  SeenPass seen{.threads = options.threads};
  for (const PassText& text : texts) {
    SeenPass::Text& seen_text = seen.texts.emplace_back(SeenPass::Text{.ids = text.text->ids});
    for (const PassTask& task : text.tasks) {
      seen_text.tasks.emplace_back(task.task == nullptr ? "" : task.task->info().name,
                                   task.skip_layers);
    }
  }
  WaitAtDoor(std::move(seen));
  const bool abandoned = options.abandoned && options.abandoned();

  const std::lock_guard lock(mutex_);
  threads_ -= options.threads;
  if (abandoned) return absl::CancelledError("the pass was abandoned");
  PassResult result;
  for (const PassText& text : texts) {
    std::vector<TaskOutput>& outputs = result.outputs.emplace_back();
    Work& work = result.work.emplace_back();
    const auto tokens = static_cast<double>(text.text->ids.size());
    int deepest = 0;
    for (const PassTask& task : text.tasks) {
      outputs.push_back(Answer(*text.text, task));
      work.row_layers_run += tokens * (kLayers - task.skip_layers);
      work.row_layers_skipped += tokens * task.skip_layers;
      deepest = std::max(deepest, task.skip_layers);
    }
    work.row_layers_run += tokens * deepest;  // the trunk
    work.row_layers_shared = tokens / 3;
    work.row_layers_cached = tokens / 4;
    result.rows += static_cast<int32_t>(text.text->ids.size() * text.tasks.size());
  }
  if (!next_status_.ok()) return std::exchange(next_status_, absl::OkStatus());
  if (std::exchange(shorten_next_, false)) result.outputs.pop_back();
  return result;
}

TaskInfo ClassificationTask(const std::string& name, std::vector<std::string> labels) {
  TaskInfo info;
  info.name = name;
  info.labels = std::move(labels);
  info.architecture = "pfeiffer";
  info.method = "robust";
  info.trained_skip_layers = {.first = 0, .last = kLayers - 1};
  DepthProfile& profile = info.profile.emplace();
  profile.metric = "accuracy";
  profile.samples = 200;
  for (int n = 0; n < kLayers; ++n) {
    DepthPoint& point = profile.points.emplace_back();
    point.skip_layers = n;
    point.score = 0.8 - 0.02 * n;
  }
  return info;
}

TaskInfo RegressionTask(const std::string& name) {
  TaskInfo info;
  info.name = name;
  info.head = HeadKind::kRegression;
  info.architecture = "houlsby";
  return info;
}

TaskInfo TaskOfKind(const std::string& name, HeadKind head, std::vector<std::string> labels) {
  TaskInfo info;
  info.name = name;
  info.head = head;
  info.labels = std::move(labels);
  info.architecture = "pfeiffer";
  return info;
}

TaskInfo RefusedTask(const std::string& name, absl::Status why) {
  TaskInfo info;
  info.name = name;
  info.load_status = std::move(why);
  return info;
}

}  // namespace fathom
