#include <cmath>
#include <vector>

#include "tests/kernels/reference.h"

namespace fathom::kernels {
namespace {

using Row = std::vector<double>;

struct Linear {
  const float* weight;  // [outputs, inputs]
  const float* bias;
  int64_t outputs;
};

Row Apply(const Linear& linear, const Row& input) {
  Row output;
  for (int64_t i = 0; i < linear.outputs; ++i) {
    const float* weights = linear.weight + i * static_cast<int64_t>(input.size());
    double sum = double{linear.bias[i]};
    for (size_t k = 0; k < input.size(); ++k) sum += double{weights[k]} * input[k];
    output.push_back(sum);
  }
  return output;
}

Row Normalised(const AdapterLayerNorm& call, Row row) {
  const auto width = static_cast<double>(row.size());
  double mean = 0;
  for (const double value : row) mean += value / width;
  double variance = 0;
  for (const double value : row) variance += (value - mean) * (value - mean) / width;
  for (size_t i = 0; i < row.size(); ++i) {
    row[i] = (row[i] - mean) / std::sqrt(variance + double{call.epsilon}) * double{call.gamma[i]} +
             double{call.beta[i]};
  }
  return row;
}

struct Inputs {
  Row dense;
  Row residual;
};

// What the up product of a fusion reads.
Row Fused(const Bottleneck& by, const Row& read) {
  Row mixed;
  Row weights;
  const auto width = static_cast<size_t>(by.width);
  double sum = 0;
  size_t first = 0;
  for (int64_t j = 0; j < by.member_count; ++j) {
    double score = read[2 * width + static_cast<size_t>(j)];
    for (int64_t i = 0; i < by.members[j].width; ++i, ++first) {
      mixed.push_back(ReferenceActivation(by.members[j].activation, read[first]));
      score += mixed.back() * read[width + first];
    }
    weights.push_back(std::exp(score));
    sum += weights.back();
  }
  size_t at = 0;
  for (int64_t j = 0; j < by.member_count; ++j) {
    double& weight = weights[static_cast<size_t>(j)];
    weight /= sum;
    for (int64_t i = 0; i < by.members[j].width; ++i) mixed[at++] *= weight;
  }
  mixed.insert(mixed.end(), weights.begin(), weights.end());
  return mixed;
}

Row FusedDelta(const Bottleneck& by, const Row& input) {
  const Row read = Apply({by.down_weight, by.down_bias, 2 * by.width + by.member_count}, input);
  const std::vector<float> no_bias(input.size(), 0.0f);
  return Apply({by.up_weight, no_bias.data(), static_cast<int64_t>(input.size())}, Fused(by, read));
}

Row Adapted(const AdapterLayerNorm& call, const Bottleneck& by, const Inputs& inputs) {
  Row sum = inputs.dense;
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += inputs.residual[i];
  const Row input = by.input == BottleneckInput::kDense      ? inputs.dense
                    : by.input == BottleneckInput::kResidual ? inputs.residual
                                                             : Normalised(call, sum);
  if (by.members != nullptr) {
    const Row delta = FusedDelta(by, input);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += delta[i];
    return Normalised(call, sum);
  }
  Row hidden = Apply({by.down_weight, by.down_bias, by.width}, input);
  for (double& value : hidden) value = ReferenceActivation(by.activation, value);
  const Row delta = Apply({by.up_weight, by.up_bias, call.hidden_size}, hidden);
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += double{by.scaling} * delta[i];
  return Normalised(call, sum);
}

}  // namespace

void ReferenceAdapter(const AdapterLayerNorm& call) {
  const int64_t width = call.hidden_size;
  const auto row_of = [width](const float* matrix, int64_t row) {
    return Row(matrix + row * width, matrix + (row + 1) * width);
  };
  for (int64_t s = 0; s < call.segment_count; ++s) {
    const auto& [rows, bottleneck] = call.segments[s];
    for (int64_t i = 0; i < rows.count; ++i) {
      const Row result = Adapted(
          call, *bottleneck,
          {row_of(call.dense, rows.src_first + i), row_of(call.residual, rows.residual_first + i)});
      for (int64_t k = 0; k < width; ++k) {
        call.out[(rows.dst_first + i) * width + k] =
            static_cast<float>(result[static_cast<size_t>(k)]);
      }
    }
  }
}

}  // namespace fathom::kernels
