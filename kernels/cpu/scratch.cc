#include "kernels/cpu/scratch.h"

#include <hwy/aligned_allocator.h>

namespace fathom::kernels {
namespace {

struct Scratch {
  hwy::AlignedFreeUniquePtr<float[]> data;
  size_t size = 0;
};

thread_local Scratch scratch;

}  // namespace

float* ThreadScratch(size_t floats) {
  if (scratch.size < floats) {
    scratch.data.reset();
    scratch.data = hwy::AllocateAligned<float>(floats);
    scratch.size = floats;
  }
  return scratch.data.get();
}

}  // namespace fathom::kernels
