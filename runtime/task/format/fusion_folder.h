// The reader and writer of a fusion's folder as the `adapters` library's save_adapter_setup makes
// it, with Fathom's extra top-level key "fathom" in adapter_setup.json.
//
// Files: adapter_setup.json; a sub-folder for each adapter, an ordinary adapter folder without a
// head; a sub-folder named as the fusion with adapter_fusion_config.json and
// model_adapter_fusion.safetensors or pytorch_model_adapter_fusion.bin; the head in the sub-folder
// that head_setup names, here the fusion's. A layer that an adapter was pruned from is in its
// `leave_out`.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/model/encoder_config.h"
#include "runtime/task/adapter.h"
#include "runtime/task/format/adapter_folder.h"
#include "runtime/task/fusion.h"

namespace fathom {

struct FusionFolder {
  std::string name;  // "": the members' names joined by commas
  Fusion fusion;     // fp32
  std::optional<Head> head;
  std::optional<TrainingRecord> training;
};

// Whether the folder holds a fusion; otherwise it may hold an adapter.
bool IsFusionFolder(const std::string& folder);

// Errors as of ReadAdapterFolder; also INVALID_ARGUMENT for adapters that stand at different places
// or read different inputs, for other compositions, and for ways of fusing that Fathom does not
// compute.
absl::StatusOr<FusionFolder> ReadFusionFolder(const std::string& folder,
                                              const EncoderConfig& encoder);

// As WriteAdapterFolder: .safetensors and .bin, whole or not at all.
absl::Status WriteFusionFolder(const std::string& folder, const FusionFolder& content,
                               const EncoderConfig& encoder, const ModelNames& names,
                               WeightDtype dtype);

// Whether the `adapters` library can run it: it looks up the last-named adapter in every layer
// where any of them stands. Fathom has no such limit, and writes such a fusion all the same.
bool RunsInLibrary(const Fusion& fusion);

}  // namespace fathom
