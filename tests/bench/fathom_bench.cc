// fathom-bench: what passes cost on this machine, in this process, beside what they could cost.
//
//   fathom-bench lone|fanout|mixed|workers|repeat|adapters|fusion|all --encoder DIR [--json FILE]
//   [--help]
#include <ATen/Parallel.h>
#include <ATen/Version.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "runtime/model/calibration.h"
#include "runtime/model/cpu_identity.h"
#include "runtime/pass/cost_calibration.h"
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

// The calibration of a start, made anew: times of another day would not be this machine's.
CalibrationOptions Calibration(const Options& options) {
  return {.dir = "none", .threads = options.threads, .precision = options.precision};
}

absl::StatusOr<GemmTable> ChooseGemms(const Options& options) {
  const auto config = Encoder::LoadConfig(options.encoder_dir);
  if (!config.ok()) return config.status();
  const auto calibration = CalibrateGemms(*config, Calibration(options));
  if (!calibration.ok()) return calibration.status();
  std::fprintf(stderr, "GEMMs measured in %.1f s:\n%s", calibration->seconds,
               Describe(calibration->gemms).c_str());
  return calibration->gemms;
}

CostTable MeasureCostTable(const Options& options, const std::shared_ptr<const Encoder>& encoder,
                           const GemmTable& gemms) {
  const auto calibration = CalibrateCosts(encoder, gemms, Calibration(options));
  std::fprintf(stderr, "costs measured in %.1f s\n", calibration->seconds);
  return calibration->costs;
}

absl::StatusOr<std::shared_ptr<const Encoder>> LoadEncoder(const Options& options,
                                                           const GemmTable& gemms) {
  auto encoder = Encoder::Load(options.encoder_dir, PlainWeights::kKeep, gemms);
  if (encoder.ok() && options.tokens > (*encoder)->config().max_positions) {
    return absl::InvalidArgumentError(absl::StrCat("--tokens ", options.tokens,
                                                   " is more than the encoder's ",
                                                   (*encoder)->config().max_positions));
  }
  return encoder;
}

// Makes and runs the workloads that were asked for, with rounds of GEMMs between them.
std::vector<Workload> RunWorkloads(const Options& options,
                                   const std::shared_ptr<const Encoder>& encoder, TaskPool& pool,
                                   GemmRates& rates) {
  std::vector<Workload> done;
  for (const std::string& name : WorkloadNames()) {
    if (options.workload != "all" && options.workload != name) continue;
    std::fprintf(stderr, "%s\n", name.c_str());
    done.push_back(MakeWorkload(name, {.options = options, .encoder = encoder}, pool));
    RunRounds(done.back(), options.rounds);
    MeasureRates(rates);
  }
  return done;
}

nlohmann::json DescribeRun(const Options& options, const EncoderConfig& config, Precision precision,
                           const RateCurve& curve) {
  return {{"cpu", CpuModel()},
          {"precision", PrecisionName(precision)},
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
      "Encoder %d x %d, adapters %d wide, %s, %d threads, %d rounds; load average before: %.1f\n",
      run["layers"].get<int>(), run["hidden_size"].get<int>(), run["bottleneck"].get<int>(),
      run["precision"].get<std::string>().c_str(), run["threads"].get<int>(),
      run["rounds"].get<int>(), run["load_average_before"].get<double>());
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
  const auto gemms = ChooseGemms(options);
  if (!gemms.ok()) return gemms.status();
  const auto encoder = LoadEncoder(options, *gemms);
  if (!encoder.ok()) return encoder.status();
  const CostTable costs = MeasureCostTable(options, *encoder, *gemms);
  const EncoderConfig& config = (*encoder)->config();
  const ModelSizes sizes{.hidden = config.hidden_size,
                         .intermediate = config.intermediate_size,
                         .heads = config.heads,
                         .bottleneck = options.bottleneck};
  GemmRates rates(**encoder, sizes);
  MeasureRates(rates);
  TaskPool pool(config, options.bottleneck);  // workloads point into it
  const std::vector<Workload> workloads = RunWorkloads(options, *encoder, pool, rates);

  const RateCurve curve = rates.Curve();
  nlohmann::json run = DescribeRun(options, config, gemms->precision, curve);
  run["load_average_before"] = load_before;
  PrintHeader(run, curve);
  nlohmann::json list = nlohmann::json::array();
  std::vector<Result> all;
  for (const Workload& workload : workloads) {
    const std::vector<Result> results =
        Summarize(workload, {.sizes = sizes, .curve = curve, .costs = costs});
    std::printf("\n%s\n\n%s", workload.name.c_str(), MarkdownTable(results).c_str());
    if (!workload.note.empty()) std::printf("\n%s\n", workload.note.c_str());
    for (nlohmann::json& entry : ToJson(results, run)) list.push_back(std::move(entry));
    all.insert(all.end(), results.begin(), results.end());
  }
  std::printf(
      "\nPrediction of the cost model: |predicted - median| / median is %.1f %% (median of %zu "
      "cases)\n",
      100 * MedianPredictionError(all), all.size());
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
