// The instruction sets of the CPU kernels, for tests and benchmarks. Servers call CpuKernels(),
// which uses the widest one.
#pragma once

#include <cstdint>
#include <vector>

namespace fathom::kernels {

// One Highway target, for example {HWY_AVX3, "AVX3"}.
struct InstructionSet {
  int64_t target;
  const char* name;
};

// Those that the kernels were built for and this CPU has, the widest first. Never empty.
std::vector<InstructionSet> AvailableInstructionSets();

// While it lives, all CPU kernels of the process use `target`. One at a time, and not while a
// kernel runs.
class ScopedInstructionSet {
 public:
  explicit ScopedInstructionSet(int64_t target);
  ~ScopedInstructionSet();
  ScopedInstructionSet(const ScopedInstructionSet&) = delete;
  ScopedInstructionSet& operator=(const ScopedInstructionSet&) = delete;
};

}  // namespace fathom::kernels
