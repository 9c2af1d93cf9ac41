#include "runtime/pass/ops/tap_rows.h"

#include <c10/util/BFloat16.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <bit>

namespace fathom::ops {
namespace {

absl::Span<float> Values(at::Tensor& rows) {
  return {rows.mutable_data_ptr<float>(), static_cast<size_t>(rows.numel())};
}

absl::Span<const float> Values(const at::Tensor& rows) {
  return {rows.const_data_ptr<float>(), static_cast<size_t>(rows.numel())};
}

void CheckRows(const at::Tensor& rows) {
  TORCH_CHECK(rows.dim() == 2 && rows.is_contiguous() && rows.scalar_type() == at::kFloat &&
                  rows.device().is_cpu(),
              "rows of a tap must be contiguous fp32 on the CPU");
}

float WidenBf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

void CopyMatrix(const Tap& tap, int matrix, absl::Span<float> to) {
  if (tap.precision() == TapPrecision::kFp32) {
    std::copy_n(tap.fp32(matrix), to.size(), to.begin());
  } else {
    std::transform(tap.bf16(matrix), tap.bf16(matrix) + to.size(), to.begin(), WidenBf16);
  }
}

}  // namespace

void LoadTap(const Tap& tap, at::Tensor& dense, at::Tensor& residual) {
  CheckRows(dense);
  CheckRows(residual);
  TORCH_CHECK(dense.sizes() == residual.sizes() && dense.size(0) <= tap.rows() &&
                  dense.size(1) == tap.width(),
              "a tap of ", tap.rows(), " rows of ", tap.width(), " into ", dense.sizes());
  CopyMatrix(tap, 0, Values(dense));
  if (IsPair(tap.form())) {
    CopyMatrix(tap, 1, Values(residual));
  } else {
    residual.zero_();
  }
}

std::shared_ptr<const Tap> MakeTap(const TapPoint& wanted, const at::Tensor& dense,
                                   const at::Tensor& residual, TapPrecision precision) {
  CheckRows(dense);
  CheckRows(residual);
  TORCH_CHECK(dense.sizes() == residual.sizes(), "f is ", dense.sizes(), ", x ", residual.sizes());
  const absl::Span<const float> f = Values(dense);
  const absl::Span<const float> x = Values(residual);
  const auto value = [&](int matrix, size_t i) {
    if (!IsPair(wanted.form)) return f[i] + x[i];
    return matrix == 0 ? f[i] : x[i];
  };
  return Tap::Make(
      wanted.layer, wanted.form, static_cast<int32_t>(dense.size(0)),
      static_cast<int32_t>(dense.size(1)), precision, [&](int matrix, absl::Span<std::byte> bytes) {
        for (size_t i = 0; i < f.size(); ++i) {
          if (precision == TapPrecision::kFp32) {
            reinterpret_cast<float*>(bytes.data())[i] = value(matrix, i);
          } else {
            reinterpret_cast<uint16_t*>(bytes.data())[i] = c10::BFloat16(value(matrix, i)).x;
          }
        }
      });
}

}  // namespace fathom::ops
