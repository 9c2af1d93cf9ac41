#include <cmath>
#include <limits>

#include "tests/kernels/reference.h"

namespace fathom::kernels {

double ReferenceActivation(Activation activation, double x) {
  switch (activation) {
    case Activation::kIdentity:
      return x;
    case Activation::kRelu:
      return x < 0 ? 0 : x;
    case Activation::kGelu:
      return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
    case Activation::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::kLeakyRelu:
      return x < 0 ? 0.01 * x : x;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

void ReferencePackedDense(const PackedDense& call) {
  for (int64_t row = 0; row < call.rows; ++row) {
    for (int64_t column = 0; column < call.out; ++column) {
      double sum = double{call.bias[column]};
      for (int64_t k = 0; k < call.in; ++k) {
        sum += double{call.x[row * call.in + k]} * double{call.packed_weight[column * call.in + k]};
      }
      call.y[row * call.out + column] =
          static_cast<float>(ReferenceActivation(call.activation, sum));
    }
  }
}

void ReferenceSegmentedDense(const SegmentedDense& call) {
  for (int64_t s = 0; s < call.segment_count; ++s) {
    const DenseSegment& segment = call.segments[s];
    for (int64_t i = 0; i < segment.count; ++i) {
      const int64_t row = segment.rows == nullptr ? i : segment.rows[i];
      const float* x = segment.x + row * segment.x_stride;
      for (int64_t o = 0; o < segment.out; ++o) {
        double sum = segment.bias == nullptr ? 0.0 : double{segment.bias[o]};
        for (int64_t k = 0; k < segment.in; ++k) {
          sum += double{segment.weight[o * segment.in + k]} * double{x[k]};
        }
        segment.y[i * segment.y_stride + o] =
            static_cast<float>(ReferenceActivation(segment.activation, sum));
      }
    }
  }
}

}  // namespace fathom::kernels
