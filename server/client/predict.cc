// `fathom predict`.
#include <algorithm>
#include <iostream>
#include <memory>
#include <utility>

#include "server/client/commands.h"
#include "server/client/flags.h"
#include "server/client/predict_request.h"
#include "server/client/predict_stream.h"
#include "server/client/report.h"

namespace fathom {
namespace {

constexpr size_t kInputsPerCall = 64;

grpc::Status AddLoadedTasks(const Connection& connection, std::vector<v1::TaskSelector>& tasks) {
  std::vector<v1::TaskInfo> all;
  const grpc::Status status = connection.ListTasks("", &all);
  for (const v1::TaskInfo& task : all) {
    if (!task.has_load_error() && task.default_version())
      tasks.emplace_back().set_name(task.name());
  }
  return status;
}

grpc::Status AskInCalls(const Connection& connection, const PredictFlags& flags,
                        const std::vector<Text>& texts, v1::PredictResponse& all) {
  for (size_t first = 0; first < std::max<size_t>(1, texts.size()); first += kInputsPerCall) {
    const v1::PredictRequest request =
        MakePredictRequest(flags, absl::MakeConstSpan(texts).subspan(first, kInputsPerCall));
    v1::PredictResponse response;
    const grpc::Status status = connection.stub().Predict(
        connection.NewContext(request.inputs_size() > 0 ? request.inputs(0) : v1::Input()).get(),
        request, &response);
    if (!status.ok()) return status;
    AppendAnswers(response, all);
  }
  return grpc::Status::OK;
}

int RunPredict(const ConnectionFlags& connection_flags, PredictFlags flags) {
  const absl::StatusOr<std::vector<Text>> texts = ReadTexts(flags.texts);
  if (!texts.ok()) {
    std::cerr << "fathom: " << texts.status().message() << "\n";
    return 1;
  }
  const Connection connection(connection_flags);
  if (flags.all_tasks) {
    const grpc::Status status = AddLoadedTasks(connection, flags.tasks);
    if (!status.ok()) return connection.Fail(status);
  }
  if (flags.stream) return PredictOverStream(connection, flags, *texts);

  v1::PredictResponse all;
  const grpc::Status status = AskInCalls(connection, flags, *texts, all);
  if (!status.ok()) return connection.Fail(status);
  if (connection_flags.json) {
    if (const int failed = PrintJson(all); failed != 0) return failed;
  } else {
    std::vector<std::string> shown;
    for (const Text& text : *texts) shown.push_back(text.Shown());
    std::cout << PredictReport(shown, all);
  }
  return HasItemError(all) ? 1 : 0;
}

void AddOptionFlags(CLI::App& app, v1::PredictOptions& options) {
  app.add_option_function<uint32_t>(
      "--top-k", [&options](uint32_t k) { options.set_top_k(k); },
      "show the k most probable labels");
  app.add_flag_callback(
      "--logits", [&options] { options.set_return_logits(true); }, "show the raw outputs");
  app.add_flag_callback(
      "--no-cache", [&options] { options.set_cache(v1::CACHE_MODE_BYPASS); },
      "neither use nor keep trunks of these texts");
  app.add_option_function<uint32_t>(
         "--priority", [&options](uint32_t priority) { options.set_priority(priority); },
         "0 … 9, higher goes first")
      ->check(CLI::Range(0, 9));
}

}  // namespace

void AddPredictCommand(CLI::App& app, Chosen& chosen) {
  struct Flags {
    ConnectionFlags connection;
    PredictFlags predict;
    std::vector<std::string> tasks;
    v1::Truncation truncation = v1::TRUNCATION_UNSPECIFIED;
  };
  const auto flags = std::make_shared<Flags>();
  CLI::App& command = *app.add_subcommand("predict", "run tasks on texts");
  AddConnectionFlags(command, flags->connection);
  AddTextFlags(command, flags->predict.texts);
  CLI::Option* const task =
      command
          .add_option(
              "--task", flags->tasks,
              "task to run, NAME[/VERSION][@DEPTH]: topic, topic/2, topic@4 (n), topic@20ms "
              "(latency budget), topic@q0.95 (least quality); may be given again")
          ->allow_extra_args(false);
  command.add_flag("--all-tasks", flags->predict.all_tasks, "run every task of the server")
      ->excludes(task);
  AddDepthFlags(command, flags->predict.depth);
  AddOptionFlags(command, flags->predict.options);
  AddTruncationFlag(command, flags->truncation);
  command.add_flag("--stream", flags->predict.stream,
                   "one call a text over one stream; answers are shown as they come");
  command.callback([flags, &chosen] {
    CheckTextFlags(flags->predict.texts);
    if (flags->tasks.empty() && !flags->predict.all_tasks) {
      throw CLI::ValidationError("give --task, or --all-tasks");
    }
    for (const std::string& spec : flags->tasks) flags->predict.tasks.push_back(TaskOrThrow(spec));
    flags->predict.options.set_truncation(flags->truncation);
    chosen = [flags] { return RunPredict(flags->connection, flags->predict); };
  });
}

}  // namespace fathom
