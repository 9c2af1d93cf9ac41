// Speed of the CPU's operations of a pass beside plain ATen's, which is the reference table. Two
// tables take turns in one run; weights take turns too, so that they come from memory as in a pass.
//
//   ops_bench heads HEADS [THREADS]
//   ops_bench cls_attention TEXTS THREADS TOKENS
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "runtime/pass/ops/op_table.h"
#include "tests/support/random_model.h"

namespace fathom {
namespace {

double MillisecondsOf(const std::function<void()>& run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

// Medians of both, alternated.
void Compare(const std::string& name, int rounds, const std::function<void()>& reference,
             const std::function<void()>& ours) {
  std::vector<double> reference_ms, ours_ms;
  for (int round = 0; round < rounds + 2; ++round) {
    const double a = MillisecondsOf(reference);
    const double b = MillisecondsOf(ours);
    if (round < 2) continue;  // buffers grow
    reference_ms.push_back(a);
    ours_ms.push_back(b);
  }
  const auto middle = [](std::vector<double>& values) {
    std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2),
                     values.end());
    return values[values.size() / 2];
  };
  const double a = middle(reference_ms);
  const double b = middle(ours_ms);
  std::printf("%s: ATen %.3f ms, kernels %.3f ms, ratio %.2f\n", name.c_str(), a, b, a / b);
}

// `count` two-layer heads over one text's rows, one row each.
void CompareHeads(int64_t count) {
  constexpr int kHidden = 768;
  EncoderConfig config = SmallEncoderConfig();
  config.hidden_size = kHidden;
  config.layers = 1;
  const auto encoder = RandomEncoder(config, 1);
  const at::Tensor state = at::randn({count, kHidden});
  std::vector<Head> heads;
  std::vector<int64_t> rows;
  std::vector<float> logits(static_cast<size_t>(2 * count));
  for (int64_t i = 0; i < std::max<int64_t>(count, 256); ++i) {  // more than a cache holds
    heads.push_back(RandomHead(kHidden, {"a", "b"}, static_cast<uint64_t>(i)));
  }
  for (int64_t i = 0; i < count; ++i) rows.push_back(i);
  size_t first = 0;
  const auto run = [&](const ops::OpTable& table) {
    std::vector<ops::HeadRows> calls;
    for (size_t i = 0; i < rows.size(); ++i) {
      calls.push_back({&heads[(first + i) % heads.size()], {&rows[i], 1}, &logits[2 * i]});
    }
    first += rows.size();
    table.heads(calls, *encoder, state);
  };
  Compare(
      std::to_string(count) + " heads", count < 100 ? 200 : 7, [&] { run(ops::ReferenceOps()); },
      [&] { run(ops::CpuOps()); });
}

// The last layer's attention of `texts` texts, of which only the first row is read.
void CompareClsAttention(int64_t texts, int64_t tokens) {
  EncoderConfig config = SmallEncoderConfig();
  config.hidden_size = 768;
  config.heads = 12;
  config.layers = 1;
  std::vector<std::shared_ptr<const Encoder>> encoders;
  for (uint64_t seed = 0; seed < 24; ++seed) encoders.push_back(RandomEncoder(config, seed));
  const at::Tensor x = at::randn({texts * tokens, config.hidden_size});
  at::Tensor context = at::empty({texts, config.hidden_size});
  std::vector<Rows> blocks;
  for (int64_t i = 0; i < texts; ++i) {
    blocks.push_back({static_cast<int32_t>(i * tokens), static_cast<int32_t>(tokens)});
  }
  size_t turn = 0;
  const auto run = [&](const ops::OpTable& table) {
    table.cls_attention(encoders[turn++ % encoders.size()]->cls_projections(), x, blocks, context);
  };
  Compare(
      std::to_string(texts) + " x " + std::to_string(tokens), 200,
      [&] { run(ops::ReferenceOps()); }, [&] { run(ops::CpuOps()); });
}

}  // namespace
}  // namespace fathom

int main(int argc, char** argv) {
  const c10::InferenceMode inference;
  const std::string what = argc > 1 ? argv[1] : "";
  const int64_t size = argc > 2 ? std::atoll(argv[2]) : 8;
  at::set_num_threads(argc > 3 ? std::atoi(argv[3]) : 2);
  if (what == "heads") fathom::CompareHeads(size);
  if (what == "cls_attention")
    fathom::CompareClsAttention(size, argc > 4 ? std::atoll(argv[4]) : 32);
}
