#include <string>

#include "kernels/cpu/adapter.h"
#include "kernels/cpu/attention.h"
#include "kernels/cpu/dense.h"
#include "kernels/cpu/instruction_sets.h"
#include "kernels/cpu/layer_norm.h"
#include "kernels/kernels.h"

namespace fathom::kernels {

const KernelTable& CpuKernels() {
  static const std::string name = std::string("cpu/") + AvailableInstructionSets().front().name;
  static const KernelTable table{name.c_str(),         &CpuRaggedAttention,   &CpuResidualLayerNorm,
                                 &CpuAdapterLayerNorm, &CpuPackedDenseFloats, &CpuPackDense,
                                 &CpuPackedDense};
  return table;
}

}  // namespace fathom::kernels
