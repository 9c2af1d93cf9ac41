// A pass that starts at taps answers as one that starts at the embedding, whoever kept the tap.
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <random>

#include "gtest/gtest.h"
#include "runtime/pass/executor.h"
#include "tests/support/random_model.h"

namespace fathom {
namespace {

constexpr double kTolerance = 1e-4;

class TapPassTest : public testing::Test {
 protected:
  TapPassTest() : config_(SmallEncoderConfig()), encoder_(RandomEncoder(config_, 3)) {
    at::set_num_threads(1);  // the matrices are too small to share
    const int layers = config_.layers;
    for (const AdapterLayout& layout :
         {PfeifferLayout(layers), HoulsbyLayout(layers), ParallelLayout(layers),
          PfeifferLayout(layers, {1, 2}), HoulsbyLayout(layers, {0})}) {
      adapters_.push_back(RandomAdapter(layout, config_.hidden_size, 6, 200 + adapters_.size()));
    }
    for (const Adapter& adapter : adapters_) pointers_.push_back(&adapter);
  }

  PlanTask Task(int adapter, int skip_layers, Reads reads = Reads::kCls) const {
    return {.adapter = adapter,
            .layout = &adapters_[static_cast<size_t>(adapter)].layout,
            .skip_layers = skip_layers,
            .reads = reads};
  }

  struct Pass {
    std::vector<at::Tensor> outputs;
    std::vector<KeptTap> kept;
    Work work;
  };

  Pass Run(const TokenizedText& text, std::vector<PlanTask> tasks, const TextTaps& found = {},
           std::optional<TapPoint> keep = std::nullopt,
           TapPrecision precision = TapPrecision::kFp32,
           const ops::OpTable& table = ops::CpuOps()) {
    const c10::InferenceMode inference;
    PlanText plan_text{
        .tokens = static_cast<int32_t>(text.ids.size()), .tasks = std::move(tasks), .keep = keep};
    for (const auto& tap : found.taps) plan_text.taps.push_back({tap->layer(), tap->form()});
    const PassPlan plan = PlanPass(config_.layers, {plan_text});
    Executor executor(encoder_, table);
    const TokenizedText* const pointer = &text;
    Pass pass{.work = plan.work[0]};
    const at::Tensor state =
        executor.Run(plan, {&pointer, 1}, pointers_,
                     {.found = {&found, 1}, .precision = precision, .kept = &pass.kept});
    for (const PlanOutput& output : plan.outputs) {
      pass.outputs.push_back(state.narrow(0, output.rows.first, output.rows.count).clone());
    }
    return pass;
  }

  // Keeps the trunk at `wanted` in a pass of `keeper` alone.
  TextTaps Keep(const TokenizedText& text, PlanTask keeper, TapPoint wanted,
                TapPrecision precision = TapPrecision::kFp32) {
    const Pass pass = Run(text, {keeper}, {}, wanted, precision);
    TextTaps found;
    for (const KeptTap& kept : pass.kept) found.taps.push_back(kept.tap);
    return found;
  }

  static double MaxDifference(const Pass& a, const Pass& b) {
    double most = 0;
    for (size_t i = 0; i < a.outputs.size(); ++i) {
      const int64_t rows = std::min(a.outputs[i].size(0), b.outputs[i].size(0));
      const at::Tensor difference =
          a.outputs[i].narrow(0, 0, rows) - b.outputs[i].narrow(0, 0, rows);
      most = std::max(most, difference.abs().max().item<double>());
    }
    return most;
  }

  const EncoderConfig config_;
  const std::shared_ptr<const Encoder> encoder_;
  std::vector<Adapter> adapters_;
  std::vector<const Adapter*> pointers_;
};

// Every keeper, tap and reader: below, at and above the tap, L−1 and L.
TEST_F(TapPassTest, EveryArchitectureGoesOnFromWhatAnotherKept) {
  std::mt19937 random(1);
  const TokenizedText text = RandomText(config_, 7, random);
  const int layers = config_.layers;
  const int adapters = static_cast<int>(adapters_.size());
  int served = 0;
  for (int keeper = 0; keeper < adapters; ++keeper) {
    for (int c = 0; c < layers; ++c) {
      for (const TapForm form :
           {TapForm::kSum, TapForm::kPair, TapForm::kClsSum, TapForm::kClsPair}) {
        if (IsClsOnly(form) && c < layers - 1) continue;
        const Reads keeper_reads = IsClsOnly(form) ? Reads::kCls : Reads::kAllRows;
        const TextTaps found = Keep(text, Task(keeper, layers, keeper_reads), {c, form});
        ASSERT_EQ(found.taps.size(), 1u);
        for (int reader = 0; reader < adapters; ++reader) {
          for (int n = std::max(0, c - 1); n <= layers; ++n) {
            for (const Reads reads : {Reads::kCls, Reads::kAllRows}) {
              const Pass cold = Run(text, {Task(reader, n, reads)}, {}, std::nullopt,
                                    TapPrecision::kFp32, ops::ReferenceOps());
              const Pass warm = Run(text, {Task(reader, n, reads)}, found);
              ASSERT_LE(MaxDifference(cold, warm), kTolerance)
                  << "kept by " << keeper << " at " << c << " as " << static_cast<int>(form)
                  << ", read by " << reader << " at n = " << n;
              if (warm.work.row_layers_cached > 0) ++served;
            }
          }
        }
      }
    }
  }
  EXPECT_GT(served, 200);
}

TEST_F(TapPassTest, AnyMixOfTasksAndTapsAnswersAsWithoutTaps) {
  std::mt19937 random(2);
  const auto pick = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  for (int mix = 0; mix < 150; ++mix) {
    const TokenizedText text = RandomText(config_, pick(1, 8), random);
    TextTaps found;
    for (int c = 0; c < config_.layers; ++c) {
      if (pick(0, 1)) continue;
      const TextTaps one = Keep(text, Task(0, config_.layers, Reads::kAllRows),
                                {c, pick(0, 1) ? TapForm::kSum : TapForm::kPair});
      found.taps.push_back(one.taps.at(0));
    }
    std::vector<PlanTask> tasks;
    for (int i = pick(1, 5); i > 0; --i) {
      tasks.push_back(
          Task(pick(0, 4), pick(0, config_.layers), pick(0, 1) ? Reads::kCls : Reads::kAllRows));
    }
    const Pass cold = Run(text, tasks, {}, std::nullopt, TapPrecision::kFp32, ops::ReferenceOps());
    const Pass warm = Run(text, tasks, found);
    ASSERT_LE(MaxDifference(cold, warm), kTolerance) << "mix " << mix;
  }
}

TEST_F(TapPassTest, ARepeatedTextAtTheLastLayerRunsNoRowOfTheTrunk) {
  std::mt19937 random(3);
  const TokenizedText text = RandomText(config_, 9, random);
  const int last = config_.layers - 1;
  const std::vector<PlanTask> tasks = {Task(0, last), Task(2, last)};
  const Pass first = Run(text, tasks, {}, TapPoint{last, TapForm::kClsPair});
  ASSERT_EQ(first.kept.size(), 1u);
  EXPECT_EQ(first.kept[0].tap->rows(), 1);
  TextTaps found;
  found.taps.push_back(first.kept[0].tap);
  const Pass again = Run(text, tasks, found);
  EXPECT_EQ(again.work.row_layers_run, 0);
  EXPECT_LE(MaxDifference(first, again), 1e-6);
}

TEST_F(TapPassTest, Bf16TapsHoldHalfTheBytesAndAreClose) {
  std::mt19937 random(4);
  const TokenizedText text = RandomText(config_, 8, random);
  const TapPoint wanted{1, TapForm::kPair};
  const TextTaps exact = Keep(text, Task(0, 3), wanted);
  const TextTaps half = Keep(text, Task(0, 3), wanted, TapPrecision::kBf16);
  EXPECT_LT(half.taps.at(0)->bytes(), exact.taps.at(0)->bytes() * 6 / 10);
  const Pass cold = Run(text, {Task(0, 1)});
  const double difference = MaxDifference(cold, Run(text, {Task(0, 1)}, half));
  EXPECT_GT(difference, 0);
  EXPECT_LT(difference, 0.1);
}

}  // namespace
}  // namespace fathom
