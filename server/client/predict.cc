// `fathom predict`.
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <utility>

#include "server/client/commands.h"
#include "server/client/connection.h"
#include "server/client/report.h"

namespace fathom {
namespace {

constexpr size_t kInputsPerCall = 64;

struct Text {
  std::string first;
  std::optional<std::string> second;

  std::string Shown() const { return second ? first + " | " + *second : first; }
};

void ReadLines(std::istream& in, std::vector<Text>& texts) {
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const size_t tab = line.find('\t');
    Text& text = texts.emplace_back();
    text.first = line.substr(0, tab);
    if (tab != std::string::npos) text.second = line.substr(tab + 1);
  }
}

bool ReadTexts(const PredictFlags& flags, std::vector<Text>& texts) {
  for (size_t i = 0; i < flags.texts.size(); ++i) {
    Text& text = texts.emplace_back();
    text.first = flags.texts[i];
    if (!flags.pair.empty()) text.second = flags.pair[i];
  }
  if (flags.file == "-") {
    ReadLines(std::cin, texts);
  } else if (!flags.file.empty()) {
    std::ifstream file(flags.file);
    if (!file) {
      std::cerr << "fathom: cannot read " << flags.file << "\n";
      return false;
    }
    ReadLines(file, texts);
  }
  return true;
}

// Every task at every n, tasks first.
v1::PredictRequest RequestWithoutInputs(const PredictFlags& flags,
                                        const std::vector<std::string>& tasks) {
  v1::PredictRequest request;
  request.mutable_options()->set_top_k(flags.top_k);
  request.mutable_options()->set_return_logits(flags.logits);
  request.mutable_depth()->set_allow_untrained_depth(flags.allow_untrained_depth);
  for (const std::string& task : tasks) {
    if (flags.skip_layers.empty()) request.add_tasks()->set_name(task);
    for (const uint32_t n : flags.skip_layers) {
      v1::TaskSelector* selector = request.add_tasks();
      selector->set_name(task);
      selector->mutable_depth()->set_skip_layers(n);
      selector->mutable_depth()->set_allow_untrained_depth(flags.allow_untrained_depth);
    }
  }
  return request;
}

// Adds the answers of one call, and what they cost, to those before it.
void Append(const v1::PredictResponse& call, v1::PredictResponse& all) {
  all.mutable_results()->MergeFrom(call.results());
  v1::Usage& sum = *all.mutable_usage();
  *sum.mutable_tokenize() += call.usage().tokenize();
  *sum.mutable_queue() += call.usage().queue();
  *sum.mutable_compute() += call.usage().compute();
  sum.set_row_layers_run(sum.row_layers_run() + call.usage().row_layers_run());
  sum.set_row_layers_shared(sum.row_layers_shared() + call.usage().row_layers_shared());
  sum.set_row_layers_cached(sum.row_layers_cached() + call.usage().row_layers_cached());
  sum.set_row_layers_skipped(sum.row_layers_skipped() + call.usage().row_layers_skipped());
  sum.set_tokens(sum.tokens() + call.usage().tokens());
  sum.set_passes(sum.passes() + call.usage().passes());
  sum.set_batch_inputs(std::max(sum.batch_inputs(), call.usage().batch_inputs()));
}

grpc::Status LoadedTasks(const Connection& connection, std::vector<std::string>& names) {
  std::vector<v1::TaskInfo> tasks;
  const grpc::Status status = connection.ListTasks(&tasks);
  for (const v1::TaskInfo& task : tasks) {
    if (!task.has_load_error() && task.default_version()) names.push_back(task.name());
  }
  return status;
}

bool HasItemError(const v1::PredictResponse& response) {
  for (const v1::InputResult& result : response.results()) {
    for (const v1::TaskResult& task : result.tasks()) {
      if (task.has_error()) return true;
    }
  }
  return false;
}

}  // namespace

int RunPredict(const ConnectionFlags& flags, const PredictFlags& predict) {
  std::vector<Text> texts;
  if (!ReadTexts(predict, texts)) return 1;
  const Connection connection(flags);
  std::vector<std::string> tasks = predict.tasks;
  if (predict.all_tasks) {
    const grpc::Status status = LoadedTasks(connection, tasks);
    if (!status.ok()) return Fail(flags, status);
  }

  v1::PredictResponse all;
  for (size_t first = 0; first < std::max<size_t>(1, texts.size()); first += kInputsPerCall) {
    v1::PredictRequest request = RequestWithoutInputs(predict, tasks);
    for (size_t i = first; i < std::min(first + kInputsPerCall, texts.size()); ++i) {
      v1::Input* input = request.add_inputs();
      if (texts[i].second) {
        input->mutable_pair()->set_first(texts[i].first);
        input->mutable_pair()->set_second(*texts[i].second);
      } else {
        input->set_text(texts[i].first);
      }
    }
    v1::PredictResponse response;
    const grpc::Status status =
        connection.stub().Predict(connection.NewContext().get(), request, &response);
    if (!status.ok()) return Fail(flags, status);
    Append(response, all);
  }

  if (flags.json) {
    if (const int failed = PrintJson(all); failed != 0) return failed;
  } else {
    std::vector<std::string> shown;
    for (const Text& text : texts) shown.push_back(text.Shown());
    std::cout << PredictReport(shown, all);
  }
  return HasItemError(all) ? 1 : 0;
}

}  // namespace fathom
