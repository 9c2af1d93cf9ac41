#include "runtime/pass/cost_calibration.h"

#include <ATen/Parallel.h>

#include <chrono>
#include <utility>

#include "runtime/model/calibration_store.h"
#include "runtime/pass/cost_table_json.h"
#include "runtime/pass/cost_timing.h"

namespace fathom {

std::optional<CostCalibration> CalibrateCosts(const std::shared_ptr<const Encoder>& encoder,
                                              const GemmTable& gemms,
                                              const CalibrationOptions& options) {
  if (options.dir == kCalibrationOff) return std::nullopt;
  const auto start = std::chrono::steady_clock::now();
  nlohmann::json key = MachineKey(encoder->config(), options.threads, gemms.precision);
  key["gemms"] = Describe(gemms);  // the table is of these
  const CalibrationStore store(options.dir, "costs", std::move(key));
  CostCalibration calibration;
  std::optional<CostTable> costs;
  if (const auto json = store.Read()) costs = CostTableFromJson(*json);
  calibration.from_file = costs.has_value();
  if (!costs.has_value()) {
    at::set_num_threads(options.threads);
    costs = MeasureCosts(encoder, options.budget);
    store.Write(ToJson(*costs));
  }
  calibration.costs = *std::move(costs);
  calibration.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return calibration;
}

}  // namespace fathom
