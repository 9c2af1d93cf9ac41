// Speed of the CPU's kernels by shape, instruction set and threads. Attention counts the 4 ·
// tokens² · head_size operations a head that its two products need; softmax is extra work.
//
//   kernels_bench --benchmark_filter=attention/.*/AVX3
#include <benchmark/benchmark.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "kernels/cpu/instruction_sets.h"
#include "kernels/kernels.h"

namespace fathom::kernels {
namespace {

std::vector<float> RandomFloats(int64_t count) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = normal(random);
  return values;
}

struct Shape {
  int64_t texts;
  int64_t tokens;
  int64_t heads;
  int64_t head_size;
};

std::string Name(const Shape& shape) {
  return std::to_string(shape.texts) + "x" + std::to_string(shape.tokens) + "/" +
         std::to_string(shape.heads) + "x" + std::to_string(shape.head_size);
}

void Attention(benchmark::State& state, const Shape& shape, int64_t target, int threads) {
  const ScopedInstructionSet scope(target);
  const int64_t rows = shape.texts * shape.tokens;
  const int64_t hidden = shape.heads * shape.head_size;
  const std::vector<float> query_key_value = RandomFloats(rows * 3 * hidden);
  std::vector<float> context(static_cast<size_t>(rows * hidden));
  std::vector<AttentionSegment> segments;
  for (int64_t i = 0; i < shape.texts; ++i) segments.push_back({i * shape.tokens, shape.tokens});
  const RaggedAttention call{
      query_key_value.data(), context.data(), segments.data(), shape.texts, shape.heads,
      shape.head_size};
  for (auto _ : state) {
    CpuKernels().ragged_attention(call, threads);
    benchmark::ClobberMemory();
  }
  const double operations = 4.0 * static_cast<double>(rows * shape.tokens * hidden);
  state.counters["flop/s"] =
      benchmark::Counter(operations, benchmark::Counter::kIsIterationInvariantRate);
}

void LayerNorm(benchmark::State& state, int64_t rows, int64_t target, int threads) {
  const ScopedInstructionSet scope(target);
  const int64_t hidden = 768;
  const std::vector<float> dense = RandomFloats(rows * hidden);
  const std::vector<float> residual = RandomFloats(rows * hidden);
  const std::vector<float> gamma = RandomFloats(hidden);
  const std::vector<float> beta = RandomFloats(hidden);
  std::vector<float> out(static_cast<size_t>(rows * hidden));
  const RowCopy segment{0, 0, 0, rows};
  ResidualLayerNorm call{};
  call.dense = dense.data();
  call.residual = residual.data();
  call.out = out.data();
  call.segments = &segment;
  call.segment_count = 1;
  call.hidden_size = hidden;
  call.gamma = gamma.data();
  call.beta = beta.data();
  call.epsilon = 1e-12f;
  for (auto _ : state) {
    CpuKernels().residual_layer_norm(call, threads);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * rows * hidden * 3 *
                          static_cast<int64_t>(sizeof(float)));
}

void Register() {
  const Shape shapes[] = {{1, 32, 12, 64},  {8, 32, 12, 64},  {64, 25, 12, 64}, {8, 128, 12, 64},
                          {1, 512, 12, 64}, {64, 25, 12, 32}, {8, 128, 12, 32}};
  for (const InstructionSet& set : AvailableInstructionSets()) {
    for (const int threads : {1, 2}) {
      const std::string suffix =
          std::string("/") + set.name + "/threads:" + std::to_string(threads);
      for (const Shape& shape : shapes) {
        benchmark::RegisterBenchmark(("attention/" + Name(shape) + suffix).c_str(), Attention,
                                     shape, set.target, threads)
            ->UseRealTime();
      }
      for (const int64_t rows : {32, 2048}) {
        benchmark::RegisterBenchmark(
            ("layer_norm/" + std::to_string(rows) + "x768" + suffix).c_str(), LayerNorm, rows,
            set.target, threads)
            ->UseRealTime();
      }
    }
  }
}

}  // namespace
}  // namespace fathom::kernels

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  fathom::kernels::Register();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
