#include "runtime/model/calibration.h"

#include <ATen/Parallel.h>

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/model/calibration_store.h"
#include "runtime/model/gemm.h"
#include "runtime/model/gemm_times_json.h"
#include "runtime/model/gemm_timing.h"

namespace fathom {
namespace {

struct MeasuredGemms {
  ShapeTimes fp32;  // empty where only bf16 was asked
  ShapeTimes bf16;
};

MeasuredGemms Measure(const EncoderConfig& config, Precision precision,
                      std::chrono::milliseconds budget) {
  std::vector<Precision> precisions;
  if (precision != Precision::kBf16) precisions.push_back(Precision::kFp32);
  if (precision != Precision::kFp32) precisions.push_back(Precision::kBf16);
  std::vector<ShapeTimes> times =
      MeasureGemms(config, precisions, budget * static_cast<int>(precisions.size()));
  MeasuredGemms measured;
  if (precision != Precision::kFp32) measured.bf16 = std::move(times.back());
  if (precision != Precision::kBf16) measured.fp32 = std::move(times.front());
  return measured;
}

Precision Chosen(Precision asked, const MeasuredGemms& measured) {
  if (asked != Precision::kAuto) return asked;
  return FasterPrecision(measured.fp32, measured.bf16);
}

GemmTable Choose(Precision precision, const MeasuredGemms& measured) {
  GemmTable table{.precision = precision};
  for (const auto& [shape, times] : precision == Precision::kBf16 ? measured.bf16 : measured.fp32) {
    table.choices.emplace(shape, ChooseGemm(times));
  }
  return table;
}

std::optional<MeasuredGemms> FromJson(const nlohmann::json& json, Precision precision) {
  if (!json.is_object()) return std::nullopt;
  MeasuredGemms measured;
  if (precision != Precision::kBf16) {
    auto fp32 = ShapeTimesFromJson(json.value("fp32", nlohmann::json()), Precision::kFp32);
    if (!fp32.has_value()) return std::nullopt;
    measured.fp32 = *std::move(fp32);
  }
  if (precision != Precision::kFp32) {
    auto bf16 = ShapeTimesFromJson(json.value("bf16", nlohmann::json()), Precision::kBf16);
    if (!bf16.has_value()) return std::nullopt;
    measured.bf16 = *std::move(bf16);
  }
  return measured;
}

}  // namespace

absl::StatusOr<GemmCalibration> CalibrateGemms(const EncoderConfig& config,
                                               const CalibrationOptions& options) {
  Precision precision = options.precision;
  if (precision == Precision::kBf16 && !HasBf16()) {
    return absl::FailedPreconditionError(
        "precision bf16: this CPU has no bf16 instructions (AVX512-BF16 or AMX), so that bf16 "
        "would "
        "be slower; use fp32, or auto");
  }
  if (precision == Precision::kAuto && !HasBf16()) precision = Precision::kFp32;
  if (options.dir == kCalibrationOff) {
    if (precision == Precision::kAuto) precision = Precision::kFp32;
    return GemmCalibration{.gemms = {.precision = precision}};
  }

  const auto start = std::chrono::steady_clock::now();
  const CalibrationStore store(options.dir, "gemms",
                               MachineKey(config, options.threads, precision));
  GemmCalibration calibration;
  std::optional<MeasuredGemms> measured;
  if (const auto json = store.Read()) measured = FromJson(*json, precision);
  calibration.from_file = measured.has_value();
  if (!measured.has_value()) {
    at::set_num_threads(options.threads);
    measured = Measure(config, precision, options.budget);
    store.Write({{"fp32", ToJson(measured->fp32)}, {"bf16", ToJson(measured->bf16)}});
  }
  calibration.gemms = Choose(Chosen(precision, *measured), *measured);
  calibration.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return calibration;
}

std::string Describe(const GemmTable& gemms) {
  std::string text;
  for (const auto& [shape, choice] : gemms.choices) {
    absl::StrAppend(&text, shape.out, " x ", shape.in, ":");
    for (const GemmRange& range : choice.ranges()) {
      absl::StrAppend(&text, " ", GemmFormName(range.candidate.form),
                      range.candidate.fused_activation ? " fused" : "", " from ", range.first_rows,
                      " rows;");
    }
    text.back() = '\n';
  }
  return text;
}

}  // namespace fathom
