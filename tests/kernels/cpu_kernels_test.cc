#include <gtest/gtest.h>

#include <string>

#include "kernels/cpu/instruction_sets.h"
#include "kernels/kernels.h"

namespace fathom::kernels {
namespace {

TEST(CpuKernels, AreNamedAfterTheWidestInstructionSet) {
  EXPECT_EQ(CpuKernels().name, std::string("cpu/") + AvailableInstructionSets().front().name);
  EXPECT_EQ(&CpuKernels(), &CpuKernels());
}

TEST(CpuKernels, CanBeHeldToOneInstructionSet) {
  const size_t all = AvailableInstructionSets().size();
  const int64_t last = AvailableInstructionSets().back().target;
  {
    const ScopedInstructionSet scope(last);
    ASSERT_EQ(AvailableInstructionSets().size(), 1u);
    EXPECT_EQ(AvailableInstructionSets().front().target, last);
  }
  EXPECT_EQ(AvailableInstructionSets().size(), all);
}

}  // namespace
}  // namespace fathom::kernels
