// `fathom load`.
#include <iostream>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "server/client/commands.h"
#include "server/client/flags.h"
#include "server/client/load/load_run.h"

namespace fathom {
namespace {

struct Flags {
  ConnectionFlags connection;
  LoadOptions load;
  std::string mix;
  std::string words = "8-24";
};

int RunLoadCommand(const Flags& flags) {
  const Connection connection(flags.connection);
  const absl::StatusOr<LoadResult> result = RunLoad(connection, flags.load);
  if (!result.ok()) {
    std::cerr << "fathom: " << result.status().message() << "\n";
    return 1;
  }
  if (flags.connection.json) {
    std::cout << LoadJson(*result).dump(2) << "\n";
  } else {
    std::cout << LoadReport(*result);
  }
  return result->tally.latency.contains("OK") ? 0 : 1;
}

// "30" or "8-24".
WordRange WordsOrThrow(const std::string& text) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('-', 1));
  WordRange range;
  const std::string& last = parts.second.empty() ? parts.first : parts.second;
  if (!absl::SimpleAtoi(parts.first, &range.first) || !absl::SimpleAtoi(last, &range.last) ||
      range.first < 0 || range.last < range.first || range.last > 100'000) {
    throw CLI::ValidationError("--words is '" + text + "'; it is a number or a range such as 8-24");
  }
  return range;
}

void AddPaceFlags(CLI::App& command, LoadOptions& load) {
  CLI::Option* const rate =
      command
          .add_option("--rate", load.rate,
                      "open loop: calls a second on average, at random times; without it a closed "
                      "loop of --concurrency callers")
          ->check(CLI::Range(0.001, 1e6));
  command.add_option("--concurrency", load.concurrency, "callers, each waiting for its answer")
      ->check(CLI::Range(1, 100'000))
      ->excludes(rate)
      ->capture_default_str();
  command
      .add_option("--max-in-flight", load.max_in_flight,
                  "of the open loop; further calls start late, and count from when they were due")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command.add_option("--duration", load.duration_s, "seconds in which calls start")
      ->check(CLI::Range(0.001, 1e6))
      ->capture_default_str();
  command.add_option("--warm-up", load.warm_up_s, "seconds before, which are not counted")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command.add_option("--deadline-ms", load.deadline_ms, "of one call; without it --timeout")
      ->check(CLI::Range(0.001, 1e9));
  command
      .add_option("--late-ms", load.late_ms, "a call that starts so long after its time is late")
      ->check(CLI::Range(0.0, 1e9))
      ->capture_default_str();
  command.add_option("--connections", load.connections, "to the server, used in turn")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
}

void AddTextSourceFlags(CLI::App& command, LoadOptions& load, std::string& words) {
  CLI::Option* const file = command.add_option(
      "--file", load.text_file, "texts, one a line, a tab before a second text; else made up");
  command
      .add_option("--texts", load.texts, "different texts to make up; 0: every text is a new one")
      ->check(CLI::Range(int64_t{0}, int64_t{10'000'000}))
      ->excludes(file)
      ->capture_default_str();
  command.add_option("--words", words, "of a made-up text, a number or a range; each is one token")
      ->excludes(file)
      ->capture_default_str();
  command
      .add_option("--zipf", load.zipf,
                  "exponent s: the k-th text is drawn with a share of 1/k^s; 0: all alike")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command.add_option("--inputs", load.inputs, "texts a call")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
}

void AddOptionFlags(CLI::App& command, v1::PredictOptions& options) {
  command.add_flag_callback(
      "--no-cache", [&options] { options.set_cache(v1::CACHE_MODE_BYPASS); },
      "neither use nor keep trunks of these texts");
  command.add_flag_callback(
      "--logits", [&options] { options.set_return_logits(true); }, "ask for the raw outputs");
  command
      .add_option_function<uint32_t>(
          "--priority", [&options](uint32_t priority) { options.set_priority(priority); },
          "0 … 9, higher goes first")
      ->check(CLI::Range(0, 9));
}

}  // namespace

void AddLoadCommand(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App& command = *app.add_subcommand("load", "send many calls and measure their latencies");
  AddConnectionFlags(command, flags->connection);
  command
      .add_option(
          "--mix", flags->mix,
          "tasks of a call, by weight: \"a,b@4:3;c:1\" asks for a and b (at n = 4) in three "
          "calls of four, for c in one; depths as in predict --task")
      ->required();
  AddPaceFlags(command, flags->load);
  AddTextSourceFlags(command, flags->load, flags->words);
  AddDepthFlags(command, flags->load.depth);
  AddOptionFlags(command, flags->load.options);
  command.add_option("--seed", flags->load.seed, "of texts, mix and times")->capture_default_str();
  command.add_option("--answers", flags->load.answers_file,
                     "write every call there, a JSON object a line");
  command.callback([flags, &chosen] {
    absl::StatusOr<std::vector<MixEntry>> mix = ParseMix(flags->mix);
    if (!mix.ok()) throw CLI::ValidationError(std::string(mix.status().message()));
    flags->load.mix = *std::move(mix);
    flags->load.words = WordsOrThrow(flags->words);
    chosen = [flags] { return RunLoadCommand(*flags); };
  });
}

}  // namespace fathom
