// What the files of an AdapterHub folder are called.
#pragma once

namespace fathom {

struct WeightFileNames {
  const char* safetensors;
  const char* torch;
};

inline constexpr char kAdapterConfigFile[] = "adapter_config.json";
inline constexpr char kHeadConfigFile[] = "head_config.json";
inline constexpr WeightFileNames kAdapterWeightFiles = {"adapter.safetensors",
                                                        "pytorch_adapter.bin"};
inline constexpr WeightFileNames kHeadWeightFiles = {"model_head.safetensors",
                                                     "pytorch_model_head.bin"};

// Of a fusion: of the whole folder, and of the sub-folder that holds its own weights.
inline constexpr char kSetupFile[] = "adapter_setup.json";
inline constexpr char kFusionConfigFile[] = "adapter_fusion_config.json";
inline constexpr WeightFileNames kFusionWeightFiles = {"model_adapter_fusion.safetensors",
                                                       "pytorch_model_adapter_fusion.bin"};

// Of the library whose format this is.
inline constexpr char kFormatVersion[] = "adapters.1.3.0";

// Fathom's own key in adapter_config.json and adapter_setup.json.
inline constexpr char kTrainingRecordKey[] = "fathom";

}  // namespace fathom
