#include <string>

#include "kernels/cpu/adapter.h"
#include "kernels/cpu/attention.h"
#include "kernels/cpu/cls_attention.h"
#include "kernels/cpu/dense.h"
#include "kernels/cpu/dropout.h"
#include "kernels/cpu/gather_rows.h"
#include "kernels/cpu/instruction_sets.h"
#include "kernels/cpu/layer_norm.h"
#include "kernels/cpu/segmented_dense.h"
#include "kernels/kernels.h"

namespace fathom::kernels {

const KernelTable& CpuKernels() {
  static const std::string name = std::string("cpu/") + AvailableInstructionSets().front().name;
  static const KernelTable table{.name = name.c_str(),
                                 .ragged_attention = &CpuRaggedAttention,
                                 .residual_layer_norm = &CpuResidualLayerNorm,
                                 .adapter_layer_norm = &CpuAdapterLayerNorm,
                                 .packed_dense_floats = &CpuPackedDenseFloats,
                                 .pack_dense = &CpuPackDense,
                                 .packed_dense = &CpuPackedDense,
                                 .cls_attention = &CpuClsAttention,
                                 .segmented_dense = &CpuSegmentedDense,
                                 .embed_layer_norm = &CpuEmbedLayerNorm,
                                 .gather_rows = &CpuGatherRows,
                                 .dropout = &CpuDropout};
  return table;
}

}  // namespace fathom::kernels
