// The cost table of a start: read from the calibration folder, or measured.
#pragma once

#include <memory>
#include <optional>

#include "runtime/depth/cost_model.h"
#include "runtime/model/calibration.h"
#include "runtime/model/encoder.h"

namespace fathom {

struct CostCalibration {
  CostTable costs;
  bool from_file = false;  // measured at an earlier start
  double seconds = 0;      // that it took now
};

// `encoder` multiplies as `gemms` says. Uses `options.threads` threads, which stay set for the
// calling thread. Nothing if options.dir is "off". A file that cannot be read or written is not an
// error.
std::optional<CostCalibration> CalibrateCosts(const std::shared_ptr<const Encoder>& encoder,
                                              const GemmTable& gemms,
                                              const CalibrationOptions& options);

}  // namespace fathom
