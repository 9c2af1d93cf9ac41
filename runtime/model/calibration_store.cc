#include "runtime/model/calibration_store.h"

#include <torch/headeronly/version.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/file/atomic_file.h"
#include "runtime/file/mapped_file.h"
#include "runtime/model/cpu_identity.h"
#include "runtime/model/gemm_choice.h"
#include "runtime/model/sha256.h"
#include "runtime/pass/ops/packed_dense.h"

namespace fathom {
namespace {

constexpr int kFormatVersion = 1;
constexpr size_t kMaxFileBytes = size_t{1} << 20;

std::string EnvironmentValue(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string HashOf(const nlohmann::json& key) {
  const std::string text = key.dump();
  Sha256 hash;
  hash.Update(text.data(), text.size());
  return hash.Hex(16);
}

}  // namespace

nlohmann::json MachineKey(const EncoderConfig& config, int threads, Precision precision) {
  return {{"cpu", CpuModel()},
          {"flags", CpuFlags()},
          {"torch", TORCH_VERSION},
          {"kernels", ops::KernelsName()},
          {"layers", config.layers},
          {"hidden_size", config.hidden_size},
          {"intermediate_size", config.intermediate_size},
          {"heads", config.heads},
          {"activation", ActivationName(config.activation)},
          {"threads", threads},
          {"precision", PrecisionName(precision)}};
}

std::string CalibrationFolder(const std::string& calibration_dir) {
  if (calibration_dir == "none" || calibration_dir == kCalibrationOff) return "";
  if (!calibration_dir.empty()) return calibration_dir;
  if (const std::string cache = EnvironmentValue("XDG_CACHE_HOME"); !cache.empty()) {
    return cache + "/fathom/calibration";
  }
  const std::string home = EnvironmentValue("HOME");
  return home.empty() ? "" : home + "/.cache/fathom/calibration";
}

CalibrationStore::CalibrationStore(const std::string& calibration_dir, const std::string& name,
                                   nlohmann::json key)
    : key_(std::move(key)) {
  const std::string folder = CalibrationFolder(calibration_dir);
  if (!folder.empty()) path_ = absl::StrCat(folder, "/", name, "-", HashOf(key_), ".json");
}

std::optional<nlohmann::json> CalibrationStore::Read() const {
  if (path_.empty()) return std::nullopt;
  const auto text = ReadTextFile(path_, kMaxFileBytes);
  if (!text.ok()) return std::nullopt;
  const nlohmann::json file = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!file.is_object() || file.value("version", nlohmann::json()) != kFormatVersion ||
      file.value("key", nlohmann::json()) != key_ || !file.contains("value")) {
    return std::nullopt;
  }
  return file["value"];
}

void CalibrationStore::Write(nlohmann::json value) const {
  if (path_.empty()) return;
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), ignored);
  const nlohmann::json file = {
      {"version", kFormatVersion}, {"key", key_}, {"value", std::move(value)}};
  WriteFileAtomically(path_, file.dump(1) + "\n").IgnoreError();
}

}  // namespace fathom
