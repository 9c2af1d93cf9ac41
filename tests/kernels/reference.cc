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

// The weights of a LayerNorm over rows of `width`.
struct Norm {
  int64_t width;
  const float* gamma;
  const float* beta;
  float epsilon;
};

void NormaliseRow(const Norm& norm, const std::vector<double>& row, float* out) {
  const auto width = static_cast<double>(norm.width);
  double mean = 0;
  for (const double value : row) mean += value / width;
  double variance = 0;
  for (const double value : row) variance += (value - mean) * (value - mean) / width;
  for (int64_t i = 0; i < norm.width; ++i) {
    const double normalised =
        (row[static_cast<size_t>(i)] - mean) / std::sqrt(variance + double{norm.epsilon});
    out[i] = static_cast<float>(normalised * double{norm.gamma[i]} + double{norm.beta[i]});
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
  const int64_t width = call.hidden_size;
  for (int64_t s = 0; s < call.segment_count; ++s) {
    const RowCopy& rows = call.segments[s];
    for (int64_t i = 0; i < rows.count; ++i) {
      std::vector<double> row;
      for (int64_t k = 0; k < width; ++k) {
        row.push_back(double{call.dense[(rows.src_first + i) * width + k]} +
                      double{call.residual[(rows.residual_first + i) * width + k]});
      }
      NormaliseRow({width, call.gamma, call.beta, call.epsilon}, row,
                   call.out + (rows.dst_first + i) * width);
    }
  }
}

void ReferenceEmbed(const EmbedLayerNorm& call) {
  const int64_t width = call.hidden_size;
  float* out = call.out;
  for (int64_t t = 0; t < call.text_count; ++t) {
    const EmbedText& text = call.texts[t];
    for (int64_t i = 0; i < text.tokens; ++i, out += width) {
      std::vector<double> row;
      for (int64_t k = 0; k < width; ++k) {
        row.push_back(double{call.words[text.ids[i] * width + k]} +
                      double{call.positions[i * width + k]} +
                      double{call.segments[text.segment_ids[i] * width + k]});
      }
      NormaliseRow({width, call.gamma, call.beta, call.epsilon}, row, out);
    }
  }
}

}  // namespace fathom::kernels
