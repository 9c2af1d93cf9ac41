#include "tests/bench/options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <map>
#include <string>
#include <vector>

#include "tests/bench/workloads.h"

namespace fathom::bench {

ParsedOptions ParseOptions(int argc, char** argv) {
  ParsedOptions parsed;
  Options& options = parsed.options;
  CLI::App app(
      "Times passes in this process, without a server. Prints a Markdown table a workload: median "
      "times, and the limit: the planned work at this machine's best GEMM rate.");
  std::vector<std::string> names = WorkloadNames();
  names.emplace_back("all");
  app.add_option("workload", options.workload, "what to time")
      ->required()
      ->check(CLI::IsMember(names));
  app.add_option("--encoder", options.encoder_dir, "Hugging Face folder of the encoder")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--json", options.json_file, "file to write the results to");
  const std::map<std::string, Precision> precisions = {
      {"fp32", Precision::kFp32}, {"bf16", Precision::kBf16}, {"auto", Precision::kAuto}};
  app.add_option("--precision", options.precision, "of the encoder's GEMMs: fp32, bf16 or auto")
      ->transform(CLI::CheckedTransformer(precisions));
  const auto number = [&](const char* flag, int& target, const char* what) {
    app.add_option(flag, target, what)->check(CLI::PositiveNumber)->capture_default_str();
  };
  number("--threads", options.threads, "threads of a pass");
  number("--tasks", options.tasks, "tasks on one text; tasks to draw from in mixed");
  number("--tokens", options.tokens, "tokens of a text in fanout, repeat, adapters and fusion");
  number("--texts", options.texts, "texts of the batch in mixed and fusion");
  number("--bottleneck", options.bottleneck, "width of the random Pfeiffer adapters");
  number("--cached-tasks", options.cached_tasks, "most tasks on the one text of repeat");
  number("--registered", options.registered, "most task folders in adapters");
  number("--rounds", options.rounds, "timed rounds; the cases of a workload run in turn");
  try {
    app.parse(argc, argv);
    parsed.run = true;
  } catch (const CLI::ParseError& error) {
    parsed.exit_code = app.exit(error);
  }
  return parsed;
}

}  // namespace fathom::bench
