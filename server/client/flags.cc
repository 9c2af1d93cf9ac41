#include "server/client/flags.h"

#include <map>

namespace fathom {
namespace {

void AddCallFlags(CLI::App& app, ConnectionFlags& flags) {
  app.add_option("--timeout", flags.timeout_s, "seconds a call may take")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  app.add_flag("--json", flags.json, "print the server's message as JSON");
  app.add_option("--token-file", flags.token_file, "file whose first line is sent as bearer token")
      ->envname("FATHOM_TOKEN_FILE");
  app.add_option("--request-id", flags.request_id, "sent as x-request-id; else one at random");
}

}  // namespace

void AddConnectionFlags(CLI::App& app, ConnectionFlags& flags) {
  app.add_option("--address", flags.address, "HOST:PORT of the server")
      ->envname("FATHOM_ADDRESS")
      ->capture_default_str();
  AddCallFlags(app, flags);
}

void AddAdminFlags(CLI::App& app, ConnectionFlags& flags) {
  app.add_option("--address", flags.address, "HOST:PORT of the server's admin port")
      ->envname("FATHOM_ADMIN_ADDRESS")
      ->required();
  AddCallFlags(app, flags);
}

void AddTextFlags(CLI::App& app, TextFlags& flags) {
  app.add_option("text", flags.texts, "texts to read");
  app.add_option("--pair", flags.pair, "second text, for tasks that read two; one for each text")
      ->allow_extra_args(false);
  app.add_option(
      "--file", flags.file,
      "read texts from a file, one a line, a tab before a second text; -: standard input");
}

void CheckTextFlags(const TextFlags& flags) {
  if (flags.texts.empty() && flags.file.empty()) {
    throw CLI::ValidationError("give a text, or --file");
  }
  if (!flags.pair.empty() && flags.pair.size() != flags.texts.size()) {
    throw CLI::ValidationError("give --pair once for each text");
  }
}

void AddDepthFlags(CLI::App& app, DepthFlags& flags) {
  CLI::Option* const n =
      app.add_option("--skip-layers", flags.skip_layers,
                     "skip depth n; may be given again to compare; without it each task's default")
          ->allow_extra_args(false);
  CLI::Option* const budget =
      app.add_option("--latency-budget-ms", flags.latency_budget_ms,
                     "the server picks the smallest n that answers within it")
          ->check(CLI::Range(0.001, 1e9))
          ->excludes(n);
  app.add_option("--min-quality", flags.min_quality,
                 "the server picks the largest n that keeps this share of the score at n = 0")
      ->check(CLI::Range(0.0, 1.0))
      ->excludes(n)
      ->excludes(budget);
  app.add_option("--quality-floor", flags.quality_floor,
                 "least share of the score at n = 0 at any n that the server picks; 1 pins n")
      ->check(CLI::Range(0.0, 1.0));
  app.add_flag("--allow-untrained-depth", flags.allow_untrained_depth,
               "permit an n that the adapter was not trained for");
}

void AddTruncationFlag(CLI::App& app, v1::Truncation& truncation) {
  const std::map<std::string, v1::Truncation> kinds = {
      {"error", v1::TRUNCATION_ERROR},
      {"longest-first", v1::TRUNCATION_LONGEST_FIRST},
      {"only-first", v1::TRUNCATION_ONLY_FIRST},
      {"only-second", v1::TRUNCATION_ONLY_SECOND}};
  app.add_option("--truncation", truncation,
                 "of a text that is too long: error, longest-first, only-first, only-second")
      ->transform(CLI::CheckedTransformer(kinds).description(""));
}

v1::TaskSelector TaskOrThrow(const std::string& spec) {
  absl::StatusOr<v1::TaskSelector> task = ParseTask(spec);
  if (!task.ok()) throw CLI::ValidationError(std::string(task.status().message()));
  return *std::move(task);
}

}  // namespace fathom
