// fathom-bench: what passes cost on this machine, in this process, beside what they could cost.
//
//   fathom-bench lone|fanout|mixed|repeat|adapters|all --encoder DIR [--json FILE] [--help]
#include <ATen/Parallel.h>
#include <ATen/Version.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "runtime/model/cpu_identity.h"
#include "tests/bench/gemm_rates.h"
#include "tests/bench/machine.h"
#include "tests/bench/options.h"
#include "tests/bench/report.h"
#include "tests/bench/workloads.h"

namespace fathom::bench {
namespace {

// Rounds of GEMMs go on for so long, before the first workload and after each.
constexpr std::chrono::seconds kRatesTime(1);
constexpr int kLeastRateRounds = 2;

void MeasureRates(GemmRates& rates) {
  const auto end = std::chrono::steady_clock::now() + kRatesTime;
  for (int round = 0; round < kLeastRateRounds || std::chrono::steady_clock::now() < end; ++round) {
    rates.Round();
  }
}

absl::StatusOr<std::shared_ptr<const Encoder>> LoadEncoder(const Options& options) {
  auto encoder = Encoder::Load(options.encoder_dir, PlainWeights::kKeep);
  if (encoder.ok() && options.tokens > (*encoder)->config().max_positions) {
    return absl::InvalidArgumentError(absl::StrCat("--tokens ", options.tokens,
                                                   " is more than the encoder's ",
                                                   (*encoder)->config().max_positions));
  }
  return encoder;
}

// Makes and runs the workloads that were asked for, with rounds of GEMMs between them.
std::vector<Workload> RunWorkloads(const Options& options,
                                   const std::shared_ptr<const Encoder>& encoder,
                                   GemmRates& rates) {
  AdapterPool pool(encoder->config(), options.bottleneck);
  Executor executor(encoder);
  std::vector<Workload> done;
  for (const std::string& name : WorkloadNames()) {
    if (options.workload != "all" && options.workload != name) continue;
    std::fprintf(stderr, "%s\n", name.c_str());
    const WorkloadInputs inputs{.options = options,
                                .config = encoder->config(),
                                .memory_bytes = AvailableMemoryBytes() / 2};
    done.push_back(MakeWorkload(name, inputs, pool));
    RunRounds(done.back(), options.rounds, executor, pool);
    MeasureRates(rates);
  }
  return done;
}

nlohmann::json DescribeRun(const Options& options, const EncoderConfig& config,
                           const RateCurve& curve) {
  return {{"cpu", CpuModel()},
          {"flags", CpuFlags()},
          {"aten_capability", at::get_cpu_capability()},
          {"threads", options.threads},
          {"rounds", options.rounds},
          {"layers", config.layers},
          {"hidden_size", config.hidden_size},
          {"bottleneck", options.bottleneck},
          {"gflops_1_row", GflopsAt(curve, 1)},
          {"gflops_512_rows", GflopsAt(curve, 512)}};
}

void PrintHeader(const nlohmann::json& run, const RateCurve& curve) {
  std::printf("%s, ATen %s, flags %s\n", run["cpu"].get<std::string>().c_str(),
              run["aten_capability"].get<std::string>().c_str(),
              run["flags"].get<std::string>().c_str());
  std::printf(
      "Encoder %d x %d, adapters %d wide, fp32, %d threads, %d rounds; load average before: %.1f\n",
      run["layers"].get<int>(), run["hidden_size"].get<int>(), run["bottleneck"].get<int>(),
      run["threads"].get<int>(), run["rounds"].get<int>(),
      run["load_average_before"].get<double>());
  std::printf("Best GEMM rate with cold weights, GFLOP/s at rows:");
  for (const RatePoint& point : curve) {
    std::printf(" %.0f at %lld;", point.gflops, static_cast<long long>(point.rows));
  }
  std::printf("\n");
}

absl::Status WriteJson(const std::string& file, const nlohmann::json& json) {
  std::ofstream out(file);
  out << json.dump(2) << '\n';
  out.close();
  return out ? absl::OkStatus()
             : absl::UnavailableError(
                   absl::StrCat("cannot write ", file, "; is its folder there?"));
}

absl::Status Main(const Options& options) {
  const double load_before = LoadAverage();
  at::set_num_threads(options.threads);
  const auto encoder = LoadEncoder(options);
  if (!encoder.ok()) return encoder.status();
  const EncoderConfig& config = (*encoder)->config();
  const ModelSizes sizes{.hidden = config.hidden_size,
                         .intermediate = config.intermediate_size,
                         .heads = config.heads,
                         .bottleneck = options.bottleneck};
  GemmRates rates(**encoder, sizes);
  MeasureRates(rates);
  const std::vector<Workload> workloads = RunWorkloads(options, *encoder, rates);

  const RateCurve curve = rates.Curve();
  nlohmann::json run = DescribeRun(options, config, curve);
  run["load_average_before"] = load_before;
  PrintHeader(run, curve);
  nlohmann::json list = nlohmann::json::array();
  for (const Workload& workload : workloads) {
    const std::vector<Result> results = Summarize(workload, sizes, curve);
    std::printf("\n%s\n\n%s", workload.name.c_str(), MarkdownTable(results).c_str());
    if (!workload.note.empty()) std::printf("\n%s\n", workload.note.c_str());
    for (nlohmann::json& entry : ToJson(results, run)) list.push_back(std::move(entry));
  }
  return options.json_file.empty() ? absl::OkStatus() : WriteJson(options.json_file, list);
}

}  // namespace
}  // namespace fathom::bench

int main(int argc, char** argv) {
  const auto parsed = fathom::bench::ParseOptions(argc, argv);
  if (!parsed.run) return parsed.exit_code;
  absl::Status status;
  try {
    status = fathom::bench::Main(parsed.options);
  } catch (const std::exception& error) {
    status = absl::InternalError(error.what());
  }
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
