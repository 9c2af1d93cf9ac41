// CheckedFolder: an AdapterHub folder whose configs are read and whose weight files are checked as
// far as their headers go. The weights themselves are read when they are asked for, so that a
// server may know thousands of folders.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "runtime/model/encoder_config.h"
#include "runtime/task/adapter.h"
#include "runtime/task/format/adapter_config.h"
#include "runtime/task/format/adapter_folder.h"
#include "runtime/task/format/checked_fusion.h"
#include "runtime/task/format/head_config.h"
#include "runtime/task/format/weight_file.h"

namespace fathom {

struct CheckedFolder {
  EncoderConfig encoder;                // whose sizes the tensors have
  AdapterConfig adapter;                // of a fusion the layout and the widths that a pass sees
  WeightFile adapter_file;              // of an ordinary adapter
  std::optional<CheckedFusion> fusion;  // instead of adapter_file
  std::optional<HeadConfig> head;
  WeightFile head_file;  // of the head, if there is one
  std::optional<TrainingRecord> training;
  int64_t packed_bytes = 0;  // of all weights
};

// Errors as of ReadAdapterFolder. A damage inside the data of a weight file is not seen.
absl::StatusOr<CheckedFolder> CheckAdapterFolder(const std::string& folder,
                                                 const EncoderConfig& encoder);

// The same for a folder with a fusion, see fusion_folder.h.
absl::StatusOr<CheckedFolder> CheckFusionFolder(const std::string& folder,
                                                const EncoderConfig& encoder);

// Whichever of the two it is.
absl::StatusOr<CheckedFolder> CheckTaskFolder(const std::string& folder,
                                              const EncoderConfig& encoder);

// Whether the folder holds an adapter or a fusion, by the names of its files.
bool IsTaskFolder(const std::string& folder);

struct FolderWeights {
  Adapter adapter;  // both packed together, see pack_weights.h; a fusion is absorbed
  std::optional<Head> head;
};

// FAILED_PRECONDITION if a weight file that is not held (see HoldFile) is gone or is another one,
// or one was written to, before or after it was read. Then the folder has to be checked again. A
// file that is cut short in place between the first of these looks and the end of the copy, about a
// millisecond, ends the process (SIGBUS); writers that replace files by renaming, as Fathom's do,
// cannot cause that.
absl::StatusOr<FolderWeights> ReadFolderWeights(const CheckedFolder& folder);

// The head as the file has it; nothing if the folder has none.
absl::StatusOr<std::optional<Head>> ReadHeadWeights(const CheckedFolder& folder);

}  // namespace fathom
