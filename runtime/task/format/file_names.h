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

// Fathom's own key in adapter_config.json.
inline constexpr char kTrainingRecordKey[] = "fathom";

}  // namespace fathom
