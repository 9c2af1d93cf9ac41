// Calibration: what a start learns of this machine, and keeps for the next one.
#pragma once

#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "runtime/engine.h"
#include "runtime/model/encoder_config.h"
#include "runtime/model/gemm_choice.h"

namespace fathom {

struct CalibrationOptions {
  std::string dir;  // as EngineOptions::calibration_dir
  int threads = 1;  // of a pass
  Precision precision = Precision::kFp32;
  std::chrono::milliseconds budget{450};  // about, of each thing that is measured
};

struct GemmCalibration {
  GemmTable gemms;
  bool from_file = false;  // measured at an earlier start
  double seconds = 0;      // that it took now
};

// How to multiply with an encoder of this shape on this machine: read from the calibration folder,
// or measured (two seconds or less for BERT-base on two cores) and written there. Uses
// `options.threads` threads, which stay set for the calling thread. FAILED_PRECONDITION: bf16 asked
// on a CPU without it. A file that cannot be read or written is not an error. With dir "off"
// nothing is measured: the table is empty, and its precision what was asked (fp32 for auto).
absl::StatusOr<GemmCalibration> CalibrateGemms(const EncoderConfig& config,
                                               const CalibrationOptions& options);

// One line a GEMM for the log: its shape, and the form that runs from how many rows on.
std::string Describe(const GemmTable& gemms);

}  // namespace fathom
