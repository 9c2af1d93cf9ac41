// The one reader and writer of AdapterHub folders, with Fathom's extra top-level key "fathom" in
// adapter_config.json, which carries the depth profile and the trained range.
//
// Files: adapter_config.json with adapter.safetensors or pytorch_adapter.bin; head_config.json with
// model_head.safetensors or pytorch_model_head.bin. Where both weight files exist, safetensors wins.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/model/encoder_config.h"
#include "runtime/task/adapter.h"
#include "runtime/task/profile.h"

namespace fathom {

// What Fathom's trainer says of its adapters; absent in foreign folders.
struct TrainingRecord {
  std::string method;                 // "robust", "standard", "specialized"
  SkipRange trained_skip_layers;      // inclusive
  std::optional<DepthProfile> profile;
  std::string details_json = "{}";    // a JSON object: data files' names, seed, epochs, learning rate
  std::string encoder_fingerprint;    // of the encoder it was trained on
  bool shares_layers = false;  // the modules of all layers are equal; in memory they are one
};

struct AdapterFolder {
  std::string name;          // the adapter's own name inside its files
  std::string architecture;  // "pfeiffer", "houlsby", "parallel", or "bottleneck" for other mixes
  Adapter adapter;           // fp32
  std::optional<Head> head;
  std::optional<TrainingRecord> training;
};

// Errors, all naming file and key or tensor: INVALID_ARGUMENT for a missing, unexpected or mis-shaped
// tensor, another hidden size or layer count than the encoder's, a config that Fathom does not
// support; NOT_FOUND for a missing file.
absl::StatusOr<AdapterFolder> ReadAdapterFolder(const std::string& folder,
                                                const EncoderConfig& encoder);

// What a file must say of the model it belongs to, for Python's `adapters` to accept it.
struct ModelNames {
  std::string model_type = "bert";
  std::string model_class = "BertAdapterModel";
  std::string model_name;  // the encoder's folder name
};

enum class WeightDtype : uint8_t { kFp32, kFp16 };

// Writes safetensors and .bin (both open in `adapters` 1.3.0 unchanged) and both config files. The
// folder appears under its name only when it is complete; an older one is replaced in one step.
absl::Status WriteAdapterFolder(const std::string& folder, const AdapterFolder& content,
                                const EncoderConfig& encoder, const ModelNames& names,
                                WeightDtype dtype);

}  // namespace fathom
