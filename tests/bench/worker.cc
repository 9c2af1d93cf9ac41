// fathom-bench-worker: an engine that another program drives over stdin and stdout, so that Fathom
// and its peers can be timed in turn, each in a process of its own.
//
//   fathom-bench-worker --encoder DIR [--adapters DIR] [--threads N] [--precision fp32|bf16|auto]
//
// First it prints what it is: {"precision": "fp32", "layers": 12, …}. Then it answers every line:
//   a job (worker_job.h)     {"ms": […], "logits": [texts][tasks][C], "row_layers_run": …,
//                             "row_layers_cached": …}; ms are of Engine::Run alone
//   {"limit": a job}         {"limit_ms": …}: the job's cold work at the machine's best GEMM rate
//   {"rates": true}          {}; measures the GEMM rates for another second
// and what it cannot do with {"error": "…"}. Between lines it sleeps.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <string>

#include "runtime/engine.h"
#include "tests/bench/worker_job.h"
#include "tests/bench/worker_limit.h"
#include "tests/bench/worker_run.h"

namespace fathom::bench {
namespace {

absl::StatusOr<nlohmann::json> Answer(const nlohmann::json& request, Engine& engine,
                                      JobLimit& limit) {
  if (request.contains("rates")) {
    const absl::Status status = limit.MeasureRates();
    return status.ok() ? absl::StatusOr<nlohmann::json>(nlohmann::json::object()) : status;
  }
  const bool asks_limit = request.contains("limit");
  const auto job = ParseJob(asks_limit ? request["limit"] : request);
  if (!job.ok()) return job.status();
  if (!asks_limit) return RunJob(*job, engine);
  const auto limit_ms = limit.Ms(*job);
  if (!limit_ms.ok()) return limit_ms.status();
  return nlohmann::json{{"limit_ms", *limit_ms}};
}

nlohmann::json AnswerLine(const std::string& line, Engine& engine, JobLimit& limit) {
  absl::StatusOr<nlohmann::json> answer;
  try {
    answer = Answer(nlohmann::json::parse(line), engine, limit);
  } catch (const std::exception& error) {
    answer = absl::InternalError(error.what());
  }
  return answer.ok() ? *answer : nlohmann::json{{"error", answer.status().ToString()}};
}

nlohmann::json Describe(const EncoderInfo& encoder) {
  return {{"precision", encoder.precision},
          {"device", encoder.device},
          {"layers", encoder.layers},
          {"hidden_size", encoder.hidden_size},
          {"max_tokens", encoder.max_tokens}};
}

int Serve(const EngineOptions& options) {
  const auto engine = CreateEngine(options);
  if (!engine.ok()) {
    std::fprintf(stderr, "%s\n", engine.status().ToString().c_str());
    return 1;
  }
  JobLimit limit(options.encoder_dir, **engine);
  std::cout << Describe((*engine)->encoder()) << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << AnswerLine(line, **engine, limit) << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace fathom::bench

int main(int argc, char** argv) {
  fathom::EngineOptions options{.threads = 2};
  CLI::App app("Runs the passes that JSON lines on stdin ask for, and times them.");
  app.add_option("--encoder", options.encoder_dir, "Hugging Face folder of the encoder")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--adapters", options.tasks_dir, "folder of AdapterHub folders");
  app.add_option("--threads", options.threads, "threads of a pass")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--precision", options.precision, "of the GEMMs with the encoder's weights")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, fathom::Precision>{{"fp32", fathom::Precision::kFp32},
                                                   {"bf16", fathom::Precision::kBf16},
                                                   {"auto", fathom::Precision::kAuto}}));
  CLI11_PARSE(app, argc, argv);
  return fathom::bench::Serve(options);
}
