// Tap: the trunk state of one text at the FFN of one layer, from which later passes go on. f is the
// FFN's dense output, x its residual input. Immutable once shared.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "runtime/cache/tap_form.h"

namespace fathom {

inline constexpr int kMaxTapsOfText = 2;  // that are kept

enum class TapPrecision : uint8_t { kFp32, kBf16 };

class Tap {
  struct ForMake {
    explicit ForMake() = default;
  };

 public:
  // Writes one matrix of a new tap: [rows, width] values, row by row, aligned to kAlignment.
  using Fill = absl::FunctionRef<void(int matrix, absl::Span<std::byte> values)>;

  static constexpr size_t kAlignment = 64;

  // Calls `fill` once a matrix, in order. REQUIRES: rows >= 1, width >= 1; rows == 1 in the Cls
  // forms.
  static std::shared_ptr<const Tap> Make(int layer, TapForm form, int32_t rows, int32_t width,
                                         TapPrecision precision, Fill fill) {
    auto tap = std::make_shared<Tap>(ForMake(), layer, form, rows, width, precision);
    for (int matrix = 0; matrix < tap->matrix_count(); ++matrix) {
      fill(matrix, {tap->values_.get() + tap->Offset(matrix), tap->matrix_bytes()});
    }
    return tap;
  }

  // Make calls this, through std::make_shared.
  Tap(ForMake, int layer, TapForm form, int32_t rows, int32_t width, TapPrecision precision)
      : layer_(layer), form_(form), precision_(precision), rows_(rows), width_(width) {
    assert(rows >= 1 && width >= 1 && (rows == 1 || !IsClsOnly(form)));
    const size_t size = static_cast<size_t>(matrix_count()) * Stride(matrix_bytes());
    values_.reset(static_cast<std::byte*>(::operator new[](size, std::align_val_t(kAlignment))));
  }
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  int layer() const { return layer_; }
  TapForm form() const { return form_; }
  int32_t rows() const { return rows_; }
  int32_t width() const { return width_; }
  TapPrecision precision() const { return precision_; }

  // 1: s. 2: f, then x.
  int matrix_count() const { return IsPair(form_) ? 2 : 1; }

  // [rows, width]. REQUIRES: the tap has that precision.
  const float* fp32(int matrix) const {
    assert(precision_ == TapPrecision::kFp32);
    return reinterpret_cast<const float*>(values_.get() + Offset(matrix));
  }
  // The raw bits.
  const uint16_t* bf16(int matrix) const {
    assert(precision_ == TapPrecision::kBf16);
    return reinterpret_cast<const uint16_t*>(values_.get() + Offset(matrix));
  }

  // What the tap holds in memory, bookkeeping included.
  int64_t bytes() const { return BytesOf(form_, rows_, width_, precision_); }

  static int64_t BytesOf(TapForm form, int32_t rows, int32_t width, TapPrecision precision) {
    const size_t matrices = IsPair(form) ? 2 : 1;
    return static_cast<int64_t>(sizeof(Tap) + kReferenceCounts +
                                matrices * Stride(MatrixBytes(rows, width, precision)));
  }

 private:
  struct Free {
    void operator()(std::byte* values) const {
      ::operator delete[](values, std::align_val_t(kAlignment));
    }
  };

  static constexpr size_t kReferenceCounts = 16;  // of the shared_ptr, beside the Tap

  static size_t MatrixBytes(int32_t rows, int32_t width, TapPrecision precision) {
    const size_t value = precision == TapPrecision::kFp32 ? sizeof(float) : sizeof(uint16_t);
    return static_cast<size_t>(rows) * static_cast<size_t>(width) * value;
  }
  static size_t Stride(size_t matrix_bytes) {
    return (matrix_bytes + kAlignment - 1) / kAlignment * kAlignment;
  }

  size_t matrix_bytes() const { return MatrixBytes(rows_, width_, precision_); }
  size_t Offset(int matrix) const {
    assert(matrix >= 0 && matrix < matrix_count());
    return static_cast<size_t>(matrix) * Stride(matrix_bytes());
  }

  const int layer_;
  const TapForm form_;
  const TapPrecision precision_;
  const int32_t rows_;
  const int32_t width_;
  std::unique_ptr<std::byte[], Free> values_;
};

}  // namespace fathom
