#include "runtime/text/utf8.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fathom {
namespace {

using ::testing::Optional;

TEST(Utf8, AcceptsEveryLength) {
  EXPECT_EQ(FirstInvalidUtf8(""), std::nullopt);
  EXPECT_EQ(FirstInvalidUtf8("plain"), std::nullopt);
  EXPECT_EQ(FirstInvalidUtf8("é \u20AC \U0001F600 \U0010FFFF"), std::nullopt);
}

struct Bad {
  const char* title;
  std::string_view bytes;
  size_t at;
};

TEST(Utf8, NamesTheFirstBadByte) {
  const Bad cases[] = {
      {"a continuation byte alone", "ab\x80", 2},
      {"a sequence that is cut", "a\xE2\x82", 1},
      {"an overlong slash", "\xC0\xAF", 0},
      {"an overlong three-byte form", "\xE0\x80\x80", 0},
      {"a surrogate", "x\xED\xA0\x80", 1},
      {"above U+10FFFF", "\xF4\x90\x80\x80", 0},
      {"a lead byte above those", "\xF5\x80\x80\x80", 0},
      {"a byte that never occurs", "abc\xFF", 3},
      {"a lead byte for a continuation", "\xE2\x82\xE2", 0},
  };
  for (const Bad& bad : cases) {
    EXPECT_THAT(FirstInvalidUtf8(bad.bytes), Optional(bad.at)) << bad.title;
  }
}

}  // namespace
}  // namespace fathom
