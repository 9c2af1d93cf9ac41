// A pass allocates nothing of its own once its buffers have grown. LibTorch's own allocations are
// not counted: a call of operator new counts where the code that made it is not LibTorch's.
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <dlfcn.h>
#include <link.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/pass/executor.h"
#include "runtime/pass_runner.h"
#include "tests/support/random_model.h"

namespace fathom {
namespace {

// The allocations of this thread while `on`.
struct Count {
  bool on = false;
  size_t calls = 0;
  std::array<const void*, 8> first_callers = {};
};
thread_local Count count;

// Not dladdr, which searches LibTorch's symbols for a millisecond.
bool IsLibTorch(const void* caller) {
  dl_find_object object;
  if (_dl_find_object(const_cast<void*>(caller), &object) != 0) return false;
  for (const char* library : {"libtorch", "libc10", "libgomp"}) {
    if (std::strstr(object.dlfo_link_map->l_name, library) != nullptr) return true;
  }
  return false;
}

void* Allocate(size_t size, size_t alignment, const void* caller) {
  if (count.on && !IsLibTorch(caller)) {
    if (count.calls < count.first_callers.size()) count.first_callers[count.calls] = caller;
    ++count.calls;
  }
  const size_t whole = (size + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, whole == 0 ? alignment : whole);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// Where they came from, as offsets into this program.
std::string Callers() {
  std::ostringstream text;
  for (const void* caller : count.first_callers) {
    Dl_info info;
    if (caller == nullptr || dladdr(caller, &info) == 0) continue;
    text << info.dli_fname << "+0x" << std::hex
         << static_cast<const char*>(caller) - static_cast<const char*>(info.dli_fbase) << "\n";
  }
  return text.str();
}

size_t AllocationsOf(const auto& run) {
  count = {.on = true};
  run();
  count.on = false;
  return count.calls;
}

}  // namespace
}  // namespace fathom

void* operator new(size_t size) {
  return fathom::Allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__, __builtin_return_address(0));
}
void* operator new[](size_t size) {
  return fathom::Allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__, __builtin_return_address(0));
}
void* operator new(size_t size, std::align_val_t alignment) {
  return fathom::Allocate(size, static_cast<size_t>(alignment), __builtin_return_address(0));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return fathom::Allocate(size, static_cast<size_t>(alignment), __builtin_return_address(0));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

namespace fathom {
namespace {

TEST(Allocation, IsCounted) {
  std::vector<int> values;
  EXPECT_EQ(AllocationsOf([&] { values.push_back(1); }), 1u);
  EXPECT_EQ(AllocationsOf([&] { values.back() = 2; }), 0u);
}

// 8 tasks on one text of 32 tokens: every architecture, two fusions, n from 0 to L, and their
// heads.
class AllocationTest : public testing::Test {
 protected:
  static constexpr int kTokens = 32;
  static constexpr int kTasks = 8;

  AllocationTest() : config_(SmallEncoderConfig()), encoder_(RandomEncoder(config_, 1)) {
    at::set_num_threads(1);
    std::mt19937 random(1);
    text_ = RandomText(config_, kTokens, random);
    for (int i = 0; i < kTasks; ++i) AddTask(static_cast<uint64_t>(i));
    PlanText plan_text{.tokens = kTokens};
    for (int i = 0; i < kTasks; ++i) {
      pointers_.push_back(&adapters_[static_cast<size_t>(i)]);
      plan_text.tasks.push_back({.adapter = i,
                                 .layout = &pointers_.back()->layout,
                                 .skip_layers = i % (config_.layers + 1),
                                 .reads = Reads::kCls});
    }
    plan_ = PlanPass(config_.layers, {plan_text});
    for (const PlanOutput& output : plan_.outputs) cls_rows_.push_back(output.rows.first);
    for (size_t i = 0; i < cls_rows_.size(); ++i) {
      head_rows_.push_back({&heads_[i], {&cls_rows_[i], 1}, &logits_[2 * i]});
    }
  }

  void AddTask(uint64_t seed) {
    const AdapterLayout layouts[] = {PfeifferLayout(config_.layers), HoulsbyLayout(config_.layers),
                                     ParallelLayout(config_.layers)};
    if (seed % 4 == 2) {
      const FusionDesign design = {{layouts[0], layouts[0], layouts[0]}, {8, 4, 8}};
      adapters_.push_back(AbsorbFusion(RandomFusion(design, config_.hidden_size, seed)));
    } else {
      adapters_.push_back(RandomAdapter(layouts[seed % 3], config_.hidden_size, 8, seed));
    }
    heads_.push_back(RandomHead(config_.hidden_size, {"a", "b"}, seed));
    heads_.back().use_pooler = seed % 4 == 3;
  }

  const EncoderConfig config_;
  const std::shared_ptr<const Encoder> encoder_;
  TokenizedText text_;
  std::vector<Adapter> adapters_;
  std::vector<const Adapter*> pointers_;
  std::vector<Head> heads_;
  std::vector<int64_t> cls_rows_;
  std::vector<ops::HeadRows> head_rows_;
  std::array<float, 2 * kTasks> logits_ = {};
  PassPlan plan_;
};

TEST_F(AllocationTest, APassAllocatesNothingOnceItsBuffersHaveGrown) {
  const c10::InferenceMode inference;
  Executor executor(encoder_);
  const TokenizedText* text = &text_;
  const auto run = [&] {
    const at::Tensor state = executor.Run(plan_, {&text, 1}, pointers_);
    ops::CpuOps().heads(head_rows_, *encoder_, state);
  };
  EXPECT_GT(AllocationsOf(run), 0u) << "the first pass grows buffers";
  EXPECT_EQ(AllocationsOf(run), 0u) << Callers();
}

// Planning, caches and answers too: a whole call allocates what it returns and nothing else.
TEST_F(AllocationTest, ARepeatedCallAllocatesItsAnswersAlone) {
  const c10::InferenceMode inference;
  PassText pass{.text = &text_};
  std::vector<std::unique_ptr<const LoadedTask>> loaded;
  for (size_t i = 0; i < kTasks; ++i) {
    loaded.push_back(
        std::make_unique<const LoadedTask>(TaskInfo{.name = "task"}, adapters_[i], heads_[i]));
    pass.tasks.push_back({.task = loaded.back().get(), .skip_layers = static_cast<int>(i) % 5});
  }
  PassCaches caches(*encoder_, {.tap_bytes = 1 << 20});
  PassRunner runner(encoder_, caches);
  PassResult result;
  for (int i = 0; i < 4; ++i) result = *runner.Run({&pass, 1});  // until its taps are kept
  const size_t answers = AllocationsOf([&] { const PassResult copy = result; });
  EXPECT_GT(answers, 0u);
  EXPECT_EQ(AllocationsOf([&] {
              const absl::StatusOr<PassResult> again = runner.Run({&pass, 1});
            }),
            answers)
      << Callers();
  EXPECT_GT(caches.taps.counts().hits, 0);
}

}  // namespace
}  // namespace fathom
