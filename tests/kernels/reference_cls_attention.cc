#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/kernels/reference.h"

namespace fathom::kernels {
namespace {

using Row = std::vector<double>;

// softmax of (q · (W_K x_j)) / sqrt(head_size): with the keys, not with the absorbed query.
Row Weights(const ClsAttention& call, int64_t index, int64_t head) {
  const AttentionSegment& segment = call.segments[index];
  const int64_t hidden = call.heads * call.head_size;
  Row weights;
  for (int64_t token = 0; token < segment.count; ++token) {
    const float* x = call.x + (segment.first + token) * hidden;
    double score = 0;
    for (int64_t k = 0; k < call.head_size; ++k) {
      const int64_t row = head * call.head_size + k;
      double key = 0;
      for (int64_t i = 0; i < hidden; ++i) key += double{call.key[row * hidden + i]} * double{x[i]};
      score += key * double{call.query[index * hidden + row]};
    }
    weights.push_back(score / std::sqrt(static_cast<double>(call.head_size)));
  }
  const double largest = *std::max_element(weights.begin(), weights.end());
  double sum = 0;
  for (double& weight : weights) sum += weight = std::exp(weight - largest);
  for (double& weight : weights) weight /= sum;
  return weights;
}

}  // namespace

void ReferenceClsAttention(const ClsAttention& call) {
  const int64_t hidden = call.heads * call.head_size;
  for (int64_t index = 0; index < call.segment_count; ++index) {
    const AttentionSegment& segment = call.segments[index];
    for (int64_t head = 0; head < call.heads; ++head) {
      const Row weights = segment.count == 0 ? Row() : Weights(call, index, head);
      for (int64_t k = 0; k < call.head_size; ++k) {
        const int64_t row = head * call.head_size + k;
        double context = double{call.value_bias[row]};
        for (int64_t token = 0; token < segment.count; ++token) {
          const float* x = call.x + (segment.first + token) * hidden;
          double value = 0;
          for (int64_t i = 0; i < hidden; ++i) {
            value += double{call.value[row * hidden + i]} * double{x[i]};
          }
          context += weights[static_cast<size_t>(token)] * value;
        }
        call.context[index * hidden + row] = static_cast<float>(context);
      }
    }
  }
}

}  // namespace fathom::kernels
