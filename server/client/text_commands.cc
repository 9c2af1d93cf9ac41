// `fathom embed` and `fathom tokenize`.
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include "server/client/commands.h"
#include "server/client/flags.h"
#include "server/client/predict_request.h"
#include "server/client/report.h"

namespace fathom {
namespace {

constexpr size_t kInputsPerCall = 64;

struct EmbedFlags {
  ConnectionFlags connection;
  TextFlags texts;
  std::string task;  // empty: the encoder without an adapter
  std::optional<uint32_t> skip_layers;
  bool allow_untrained_depth = false;
  v1::EmbedRequest request;  // all but the inputs

  DepthFlags Depth() const {
    DepthFlags depth{.allow_untrained_depth = allow_untrained_depth};
    if (skip_layers) depth.skip_layers = {*skip_layers};
    return depth;
  }
};

struct TokenizeFlags {
  ConnectionFlags connection;
  TextFlags texts;
  v1::Truncation truncation = v1::TRUNCATION_UNSPECIFIED;
};

// Sends the texts in calls of kInputsPerCall: `call` makes one with the inputs that are in
// `request`. `responses` of all calls are merged, as their lists are one an input.
template <typename Request, typename Response, typename Call>
grpc::Status AskInCalls(const std::vector<Text>& texts, Request request, Response& all,
                        const Call& call) {
  for (size_t first = 0; first < texts.size(); first += kInputsPerCall) {
    request.clear_inputs();
    for (size_t i = first; i < std::min(first + kInputsPerCall, texts.size()); ++i) {
      *request.add_inputs() = texts[i].ToInput();
    }
    Response response;
    const grpc::Status status = call(request, &response);
    if (!status.ok()) return status;
    all.MergeFrom(response);
  }
  return grpc::Status::OK;
}

std::vector<std::string> Shown(const std::vector<Text>& texts) {
  std::vector<std::string> shown;
  for (const Text& text : texts) shown.push_back(text.Shown());
  return shown;
}

absl::StatusOr<std::vector<Text>> ReadOrTell(const TextFlags& flags) {
  auto texts = ReadTexts(flags);
  if (!texts.ok()) std::cerr << "fathom: " << texts.status().message() << "\n";
  return texts;
}

int RunEmbed(const EmbedFlags& flags) {
  const auto texts = ReadOrTell(flags.texts);
  if (!texts.ok()) return 1;
  const Connection connection(flags.connection);
  v1::EmbedResponse all;
  v1::Usage usage;
  const grpc::Status status = AskInCalls(
      *texts, flags.request, all,
      [&](const v1::EmbedRequest& request, v1::EmbedResponse* response) {
        const auto context = connection.NewContext(request.inputs(0));
        const grpc::Status called = connection.stub().Embed(context.get(), request, response);
        AddUsage(response->usage(), usage);
        return called;
      });
  if (!status.ok()) return connection.Fail(status);
  *all.mutable_usage() = usage;
  const bool failed = std::any_of(all.embeddings().begin(), all.embeddings().end(),
                                  [](const v1::Embedding& e) { return e.has_error(); });
  if (flags.connection.json) return std::max(PrintJson(all), failed ? 1 : 0);
  std::cout << EmbedReport(Shown(*texts), all);
  return failed ? 1 : 0;
}

int RunTokenize(const TokenizeFlags& flags) {
  const auto texts = ReadOrTell(flags.texts);
  if (!texts.ok()) return 1;
  const Connection connection(flags.connection);
  v1::TokenizeRequest empty;
  empty.set_truncation(flags.truncation);
  v1::TokenizeResponse all;
  const grpc::Status status = AskInCalls(
      *texts, empty, all, [&](const v1::TokenizeRequest& request, v1::TokenizeResponse* response) {
        return connection.stub().Tokenize(connection.NewContext(request.inputs(0)).get(), request,
                                          response);
      });
  if (!status.ok()) return connection.Fail(status);
  if (flags.connection.json) return PrintJson(all);
  std::cout << TokenizeReport(*texts, all);
  return 0;
}

}  // namespace

void AddEmbedCommand(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<EmbedFlags>();
  CLI::App& command = *app.add_subcommand("embed", "pooled last-layer states of texts");
  AddConnectionFlags(command, flags->connection);
  AddTextFlags(command, flags->texts);
  command.add_option("--task", flags->task,
                     "through this task's adapter, NAME[/VERSION][@DEPTH]; else the bare encoder");
  command.add_option("--skip-layers", flags->skip_layers,
                     "skip depth n of the task; embeddings of different n do not compare");
  command.add_flag("--allow-untrained-depth", flags->allow_untrained_depth,
                   "permit an n that the adapter was not trained for");
  command
      .add_option_function<std::string>(
          "--pooling",
          [flags](const std::string& kind) {
            flags->request.set_pooling(kind == "cls" ? v1::POOLING_CLS : v1::POOLING_MEAN);
          },
          "cls or mean")
      ->check(CLI::IsMember({"cls", "mean"}).description(""));
  command.add_flag_callback(
      "--normalize", [flags] { flags->request.set_normalize(true); }, "scale to unit length");
  command.callback([flags, &chosen] {
    CheckTextFlags(flags->texts);
    if (!flags->task.empty()) {
      *flags->request.mutable_task() = WithDepths({TaskOrThrow(flags->task)}, flags->Depth())[0];
    }
    chosen = [flags] { return RunEmbed(*flags); };
  });
}

void AddTokenizeCommand(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<TokenizeFlags>();
  CLI::App& command = *app.add_subcommand("tokenize", "the token ids of texts");
  AddConnectionFlags(command, flags->connection);
  AddTextFlags(command, flags->texts);
  AddTruncationFlag(command, flags->truncation);
  command.callback([flags, &chosen] {
    CheckTextFlags(flags->texts);
    chosen = [flags] { return RunTokenize(*flags); };
  });
}

}  // namespace fathom
