// CalibrationStore: one measurement on disk, found again by what it was measured on.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "runtime/engine.h"
#include "runtime/model/encoder_config.h"

namespace fathom {

// What times depend on: the CPU and its instruction sets, LibTorch, the kernels, the encoder's
// shape (not its weights), the threads of a pass, and the precision that was asked for.
nlohmann::json MachineKey(const EncoderConfig& config, int threads, Precision precision);

inline constexpr char kCalibrationOff[] = "off";  // EngineOptions::calibration_dir

// The folder of EngineOptions::calibration_dir: the default for "", and "" for "none", "off" and
// where the environment names no home.
std::string CalibrationFolder(const std::string& calibration_dir);

// A file `<name>-<hash of the key>.json` in the folder; without a folder it reads and writes
// nothing. Several processes may use one folder: files appear whole.
class CalibrationStore {
 public:
  CalibrationStore(const std::string& calibration_dir, const std::string& name, nlohmann::json key);

  // The value that was written for the same key. Nothing where there is none, or it is broken or of
  // another version of this format.
  std::optional<nlohmann::json> Read() const;

  // A failure only costs the next start its time.
  void Write(nlohmann::json value) const;

  const std::string& path() const { return path_; }  // empty: no folder

 private:
  nlohmann::json key_;
  std::string path_;
};

}  // namespace fathom
