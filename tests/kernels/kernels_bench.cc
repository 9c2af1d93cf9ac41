// Speed of the CPU's kernels by shape, instruction set and threads. Attention counts the 4 ·
// tokens² · head_size operations a head that its two products need, adapters the 4 · H · D a row of
// theirs, packed_dense the 2 · in · out a row of its product; softmax, activations and LayerNorm
// are extra work.
//
//   kernels_bench --benchmark_filter=attention/.*/AVX3
#include <benchmark/benchmark.h>

#include <cstdint>
#include <iterator>
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

// One layer of T tasks, each with an adapter of its own; the layers' weights take turns, so that
// they come from memory as in a pass.
struct AdapterShape {
  int64_t tasks;
  int64_t rows;  // a task
  int64_t width;
};

void Adapter(benchmark::State& state, const AdapterShape& shape, int64_t target, int threads) {
  const ScopedInstructionSet scope(target);
  constexpr int64_t kHidden = 768;
  constexpr int64_t kLayers = 12;
  const int64_t rows = shape.tasks * shape.rows;
  const std::vector<float> dense = RandomFloats(rows * kHidden);
  const std::vector<float> residual = RandomFloats(rows * kHidden);
  std::vector<float> out(static_cast<size_t>(rows * kHidden));
  const std::vector<float> weights =
      RandomFloats(kLayers * shape.tasks * 2 * kHidden * shape.width);
  const std::vector<float> vector = RandomFloats(kHidden + shape.width);
  std::vector<Bottleneck> bottlenecks;
  for (int64_t i = 0; i < kLayers * shape.tasks; ++i) {
    const float* down = weights.data() + i * 2 * kHidden * shape.width;
    bottlenecks.push_back({.input = BottleneckInput::kNormalizedSum,
                           .activation = Activation::kRelu,
                           .scaling = 1.0f,
                           .width = shape.width,
                           .down_weight = down,
                           .down_bias = vector.data(),
                           .up_weight = down + kHidden * shape.width,
                           .up_bias = vector.data()});
  }
  std::vector<AdapterSegment> segments;
  for (int64_t i = 0; i < kLayers * shape.tasks; ++i) {
    const int64_t first = i % shape.tasks * shape.rows;
    segments.push_back({{first, first, first, shape.rows}, &bottlenecks[static_cast<size_t>(i)]});
  }
  int64_t layer = 0;
  for (auto _ : state) {
    CpuKernels().adapter_layer_norm({.dense = dense.data(),
                                     .residual = residual.data(),
                                     .out = out.data(),
                                     .segments = segments.data() + layer * shape.tasks,
                                     .segment_count = shape.tasks,
                                     .hidden_size = kHidden,
                                     .gamma = vector.data(),
                                     .beta = vector.data(),
                                     .epsilon = 1e-12f},
                                    threads);
    benchmark::ClobberMemory();
    layer = (layer + 1) % kLayers;
  }
  state.counters["flop/s"] =
      benchmark::Counter(4.0 * static_cast<double>(rows * kHidden * shape.width),
                         benchmark::Counter::kIsIterationInvariantRate);
}

// The four products of 12 layers of width 768, one after the other, so that the weights come from
// memory as in a pass; an iteration is one sweep.
void Dense(benchmark::State& state, int64_t rows, int64_t target, int threads) {
  const ScopedInstructionSet scope(target);
  const KernelTable& kernels = CpuKernels();
  constexpr int kLayers = 12;
  struct Product {
    int64_t in;
    int64_t out;
    Activation activation;
  };
  const Product products[] = {{768, 2304, Activation::kIdentity},
                              {768, 768, Activation::kIdentity},
                              {768, 3072, Activation::kGelu},
                              {3072, 768, Activation::kIdentity}};
  const std::vector<float> x = RandomFloats(rows * 3072);
  const std::vector<float> bias = RandomFloats(3072);
  std::vector<float> y(static_cast<size_t>(rows * 3072));
  std::vector<std::vector<float>> packed;
  double operations = 0;
  for (const Product& product : products) {
    const std::vector<float> weight = RandomFloats(product.in * product.out);
    const auto floats = static_cast<size_t>(kernels.packed_dense_floats(product.in, product.out));
    packed.emplace_back(floats);
    kernels.pack_dense(weight.data(), product.in, product.out, packed.back().data());
    for (int layer = 1; layer < kLayers; ++layer) packed.push_back(packed.back());
    operations += 2.0 * kLayers * static_cast<double>(rows * product.in * product.out);
  }
  for (auto _ : state) {
    for (size_t layer = 0; layer < kLayers; ++layer) {
      for (size_t i = 0; i < std::size(products); ++i) {
        const Product& product = products[i];
        kernels.packed_dense({x.data(), packed[i * kLayers + layer].data(), bias.data(), y.data(),
                              rows, product.in, product.out, product.activation},
                             threads);
        benchmark::ClobberMemory();
      }
    }
  }
  state.counters["flop/s"] =
      benchmark::Counter(operations, benchmark::Counter::kIsIterationInvariantRate);
}

void Drop(benchmark::State& state, int64_t elements, int64_t target, int threads) {
  const ScopedInstructionSet scope(target);
  const std::vector<float> x = RandomFloats(elements);
  std::vector<float> out(x.size());
  const Dropout call{x.data(), out.data(), elements, 1, 6554, 1.0f / 0.9f};
  for (auto _ : state) {
    CpuKernels().dropout(call, threads);
    benchmark::ClobberMemory();
  }
  state.counters["elements/s"] = benchmark::Counter(static_cast<double>(elements),
                                                    benchmark::Counter::kIsIterationInvariantRate);
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
      for (const AdapterShape& shape :
           {AdapterShape{8, 32, 48}, {8, 1, 48}, {1, 32, 48}, {8, 128, 48}, {8, 32, 256}}) {
        const std::string name = "adapter/" + std::to_string(shape.tasks) + "x" +
                                 std::to_string(shape.rows) + "/" + std::to_string(shape.width) +
                                 "x768";
        benchmark::RegisterBenchmark((name + suffix).c_str(), Adapter, shape, set.target, threads)
            ->UseRealTime();
      }
      for (const int64_t rows : {1, 8, 32, 64, 256}) {
        benchmark::RegisterBenchmark(("dense/" + std::to_string(rows) + "x768" + suffix).c_str(),
                                     Dense, rows, set.target, threads)
            ->UseRealTime()
            ->Unit(benchmark::kMillisecond);
      }
      for (const int64_t rows : {32, 2048}) {
        benchmark::RegisterBenchmark(
            ("layer_norm/" + std::to_string(rows) + "x768" + suffix).c_str(), LayerNorm, rows,
            set.target, threads)
            ->UseRealTime();
      }
      benchmark::RegisterBenchmark(("dropout/512x768" + suffix).c_str(), Drop, 512 * 768,
                                   set.target, threads)
          ->UseRealTime();
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
