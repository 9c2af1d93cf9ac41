#include "kernels/cpu/instruction_sets.h"

#include "kernels/cpu/targets.h"
// After targets.h, which chooses what Highway builds.
#include <hwy/highway.h>

namespace fathom::kernels {

std::vector<InstructionSet> AvailableInstructionSets() {
  std::vector<InstructionSet> sets;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    sets.push_back({target, hwy::TargetName(target)});
  }
  return sets;
}

ScopedInstructionSet::ScopedInstructionSet(int64_t target) {
  hwy::SetSupportedTargetsForTest(target);
}

ScopedInstructionSet::~ScopedInstructionSet() { hwy::SetSupportedTargetsForTest(0); }

}  // namespace fathom::kernels
