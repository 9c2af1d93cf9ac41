#include "runtime/model/huge_pages.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace fathom {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

}  // namespace

at::Tensor EmptyInHugePages(int64_t floats) {
  const size_t bytes = static_cast<size_t>(floats) * sizeof(float);
  // A small matrix does not fill a page.
  if (bytes < kHugePage / 2) return at::empty({floats}, at::kFloat);
  const size_t whole = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  void* memory = std::aligned_alloc(kHugePage, whole);
  if (memory == nullptr) throw std::bad_alloc();
  madvise(memory, whole, MADV_HUGEPAGE);  // advice: nothing is lost where it is not taken
  return at::from_blob(
      memory, {floats}, [](void* data) { std::free(data); }, at::TensorOptions(at::kFloat));
}

}  // namespace fathom
