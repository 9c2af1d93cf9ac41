#include "runtime/cache/tap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace fathom {
namespace {

TEST(Tap, KeepsBothMatricesOfAPairApartAndAligned) {
  const auto tap = Tap::Make(4, TapForm::kPair, 3, 5, TapPrecision::kFp32,
                             [](int matrix, absl::Span<std::byte> values) {
                               ASSERT_EQ(values.size(), 3 * 5 * sizeof(float));
                               auto* first = reinterpret_cast<float*>(values.data());
                               for (int i = 0; i < 15; ++i) {
                                 first[i] = static_cast<float>(100 * matrix + i);
                               }
                             });
  ASSERT_EQ(tap->matrix_count(), 2);
  for (int matrix = 0; matrix < 2; ++matrix) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tap->fp32(matrix)) % Tap::kAlignment, 0U);
    EXPECT_EQ(tap->fp32(matrix)[0], static_cast<float>(100 * matrix));
    EXPECT_EQ(tap->fp32(matrix)[14], static_cast<float>(100 * matrix + 14));
  }
  EXPECT_EQ(tap->layer(), 4);
  EXPECT_EQ(tap->form(), TapForm::kPair);
}

TEST(Tap, KeepsBf16Bits) {
  const auto tap = Tap::Make(0, TapForm::kClsSum, 1, 3, TapPrecision::kBf16,
                             [](int, absl::Span<std::byte> values) {
                               ASSERT_EQ(values.size(), 3 * sizeof(uint16_t));
                               const uint16_t bits[] = {0x3f80, 0xbf80, 0x7f80};
                               std::memcpy(values.data(), bits, sizeof(bits));
                             });
  ASSERT_EQ(tap->matrix_count(), 1);
  EXPECT_THAT(absl::MakeSpan(tap->bf16(0), 3), ::testing::ElementsAre(0x3f80, 0xbf80, 0x7f80));
}

TEST(Tap, CountsAllItsBytes) {
  constexpr int64_t kValues = 32 * 768 * 4;
  const int64_t sum = Tap::BytesOf(TapForm::kSum, 32, 768, TapPrecision::kFp32);
  const int64_t pair = Tap::BytesOf(TapForm::kPair, 32, 768, TapPrecision::kFp32);
  const int64_t half = Tap::BytesOf(TapForm::kSum, 32, 768, TapPrecision::kBf16);
  EXPECT_GT(sum, kValues);
  EXPECT_LT(sum, kValues + 256);
  EXPECT_EQ(pair - sum, kValues);
  EXPECT_EQ(sum - half, kValues / 2);
}

TEST(Serves, APairServesASumAndAllRowsServeTheFirst) {
  using enum TapForm;
  const std::vector<TapForm> forms = {kSum, kPair, kClsSum, kClsPair};
  const std::vector<std::vector<bool>> serves = {
      // wanted: sum, pair, cls sum, cls pair
      {true, false, true, false},
      {true, true, true, true},
      {false, false, true, false},
      {false, false, true, true},
  };
  for (size_t kept = 0; kept < forms.size(); ++kept) {
    for (size_t wanted = 0; wanted < forms.size(); ++wanted) {
      EXPECT_EQ(Serves(forms[kept], forms[wanted]), serves[kept][wanted]) << kept << " " << wanted;
    }
  }
}

}  // namespace
}  // namespace fathom
