#include "tests/kernels/reference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace fathom::kernels {
namespace {

// One query of one head; `query`, `keys` and `values` are rows 3H floats apart.
struct Query {
  const float* query;
  const float* keys;
  const float* values;
  float* context;
  int64_t tokens;
  int64_t head_size;
  int64_t stride;
};

void Attend(const Query& of) {
  std::vector<double> weights;
  double largest = -std::numeric_limits<double>::infinity();
  for (int64_t token = 0; token < of.tokens; ++token) {
    double score = 0;
    for (int64_t k = 0; k < of.head_size; ++k) {
      score += double{of.query[k]} * double{of.keys[token * of.stride + k]};
    }
    weights.push_back(score / std::sqrt(static_cast<double>(of.head_size)));
    largest = std::max(largest, weights.back());
  }
  double sum = 0;
  for (double& weight : weights) sum += weight = std::exp(weight - largest);
  for (int64_t k = 0; k < of.head_size; ++k) {
    double context = 0;
    for (int64_t token = 0; token < of.tokens; ++token) {
      context += weights[static_cast<size_t>(token)] * double{of.values[token * of.stride + k]};
    }
    of.context[k] = static_cast<float>(context / sum);
  }
}

struct RowNumbers {
  int64_t src;
  int64_t residual;
  int64_t dst;
};

void NormaliseRow(const ResidualLayerNorm& call, const RowNumbers& at) {
  const auto [src, residual, dst] = at;
  const int64_t width = call.hidden_size;
  std::vector<double> row;
  double mean = 0;
  for (int64_t i = 0; i < width; ++i) {
    const double value =
        double{call.dense[src * width + i]} + double{call.residual[residual * width + i]};
    row.push_back(value);
    mean += value / static_cast<double>(width);
  }
  double variance = 0;
  for (const double value : row) variance += (value - mean) * (value - mean);
  variance /= static_cast<double>(width);
  for (int64_t i = 0; i < width; ++i) {
    const double normalised =
        (row[static_cast<size_t>(i)] - mean) / std::sqrt(variance + double{call.epsilon});
    call.out[dst * width + i] =
        static_cast<float>(normalised * double{call.gamma[i]} + double{call.beta[i]});
  }
}

}  // namespace

void ReferenceAttention(const RaggedAttention& call) {
  const int64_t hidden = call.heads * call.head_size;
  for (int64_t s = 0; s < call.segment_count; ++s) {
    const AttentionSegment& segment = call.segments[s];
    for (int64_t head = 0; head < call.heads; ++head) {
      const int64_t column = head * call.head_size;
      const float* first = call.query_key_value + segment.first * 3 * hidden + column;
      for (int64_t i = 0; i < segment.count; ++i) {
        Attend({first + i * 3 * hidden, first + hidden, first + 2 * hidden,
                call.context + (segment.first + i) * hidden + column, segment.count, call.head_size,
                3 * hidden});
      }
    }
  }
}

void ReferenceLayerNorm(const ResidualLayerNorm& call) {
  for (int64_t s = 0; s < call.segment_count; ++s) {
    const RowCopy& rows = call.segments[s];
    for (int64_t i = 0; i < rows.count; ++i) {
      NormaliseRow(call, {rows.src_first + i, rows.residual_first + i, rows.dst_first + i});
    }
  }
}

}  // namespace fathom::kernels
