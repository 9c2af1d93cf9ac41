// The files of one adapter, head or fusion: made whole before the first byte is written.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/model/encoder_config.h"
#include "runtime/model/tensor_file.h"
#include "runtime/task/adapter.h"
#include "runtime/task/format/adapter_folder.h"
#include "runtime/task/format/file_names.h"

namespace fathom {

// One config and its weights.
struct ConfiguredWeights {
  nlohmann::json config;
  TensorMap tensors;
};

// INVALID_ARGUMENT for a name, shapes or labels that the files cannot say.
absl::StatusOr<ConfiguredWeights> MakeAdapterFiles(const std::string& name, const Adapter& adapter,
                                                   const EncoderConfig& encoder,
                                                   const ModelNames& names, WeightDtype dtype);
absl::StatusOr<ConfiguredWeights> MakeHeadFiles(const std::string& name, const Head& head,
                                                const EncoderConfig& encoder,
                                                const ModelNames& names, WeightDtype dtype);

// What all config files say beside their "config".
nlohmann::json MakeTopLevel(const std::string& name, const EncoderConfig& encoder,
                            const ModelNames& names, nlohmann::json config);

TensorMap Convert(TensorMap tensors, WeightDtype dtype);

absl::Status WriteConfigured(const std::string& folder, const char* config_name,
                             const WeightFileNames& weight_names, const ConfiguredWeights& files);

}  // namespace fathom
