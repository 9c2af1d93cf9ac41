// What a client or a file can get wrong, and what the message then says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/text/golden.h"

namespace fathom {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// The message of an INVALID_ARGUMENT; any other outcome fails the test.
template <typename T>
std::string InvalidArgument(const absl::StatusOr<T>& result) {
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument) << result.status();
  return std::string(result.status().message());
}

class TokenizerError : public ::testing::Test {
 protected:
  std::string Refusal(const RawText& text, Truncation truncation, int max_tokens) const {
    return InvalidArgument(tokenizer_->Encode(text, truncation, max_tokens));
  }

  const std::unique_ptr<const Tokenizer> tokenizer_ =
      LoadGoldenTokenizer("wordpiece_tokenizer.json");
};

TEST_F(TokenizerError, InvalidUtf8NamesTheByte) {
  const struct {
    std::string_view text;
    const char* byte;
  } cases[] = {
      {"ab\xff", "byte 2"},             // never valid
      {"\xed\xa0\x80", "byte 0"},       // a surrogate
      {"abc \xc3", "byte 4"},           // cut short
      {"\xc0\x80", "byte 0"},           // NUL, too long
      {"x\xf4\x90\x80\x80", "byte 1"},  // above U+10FFFF
  };
  for (const auto& [text, byte] : cases) {
    EXPECT_THAT(Refusal({text, {}}, Truncation::kLongestFirst, 16),
                AllOf(HasSubstr("the text is not valid UTF-8"), HasSubstr(byte)));
    EXPECT_THAT(Refusal({"fine", text}, Truncation::kLongestFirst, 16),
                AllOf(HasSubstr("the second text is not valid UTF-8"), HasSubstr(byte)));
  }
}

TEST_F(TokenizerError, LimitBelowTheSpecialTokensNamesBoth) {
  for (const int max_tokens : {1, 0, -1, -2147483647}) {
    EXPECT_THAT(
        Refusal({"the model", {}}, Truncation::kLongestFirst, max_tokens),
        AllOf(HasSubstr("max_tokens is " + std::to_string(max_tokens)), HasSubstr("2 special")));
  }
  EXPECT_THAT(Refusal({"the", "model"}, Truncation::kLongestFirst, 2), HasSubstr("3 special"));
  EXPECT_TRUE(tokenizer_->Encode({"the model", {}}, Truncation::kLongestFirst, 2).ok());
}

TEST_F(TokenizerError, PairThatTheTruncationCannotShortenNamesTheCounts) {
  // 4 + 5 + 3 special tokens into 8: 4 too many, and one token must stay.
  const RawText pair{"the the the the", "model model model model model"};
  const auto whole = tokenizer_->Encode(pair, Truncation::kError, 12);
  ASSERT_TRUE(whole.ok()) << whole.status();
  ASSERT_EQ(whole->full_tokens, 12);
  EXPECT_THAT(Refusal(pair, Truncation::kOnlyFirst, 8),
              AllOf(HasSubstr("only_first"), HasSubstr("cut 4 tokens"), HasSubstr("it has 4")));
  EXPECT_TRUE(tokenizer_->Encode(pair, Truncation::kOnlySecond, 8).ok());
  EXPECT_THAT(Refusal(pair, Truncation::kOnlySecond, 7),
              AllOf(HasSubstr("only_second"), HasSubstr("cut 5 tokens"), HasSubstr("it has 5")));
  EXPECT_THAT(Refusal({pair.first, {}}, Truncation::kOnlySecond, 5),
              AllOf(HasSubstr("cut 1 tokens of the second text"), HasSubstr("it has 0")));
}

TEST_F(TokenizerError, LeavesTheTokenizerUsable) {
  const auto before = tokenizer_->Encode({"the model", {}}, Truncation::kError, 16);
  Refusal({"\xff", {}}, Truncation::kError, 16);
  Refusal({"the model", {}}, Truncation::kError, 3);
  const auto after = tokenizer_->Encode({"the model", {}}, Truncation::kError, 16);
  ASSERT_TRUE(before.ok() && after.ok());
  EXPECT_EQ(before->ids, after->ids);
}

TEST(TokenizerLoadError, BrokenJsonSaysWhere) {
  const std::string whole = ReadGoldenFile("wordpiece_tokenizer.json");
  EXPECT_THAT(InvalidArgument(Tokenizer::FromJson(whole.substr(0, whole.size() / 2))),
              HasSubstr("line"));
  for (const std::string_view json : {"", "{}", "[]", "null", "\xff", "{\"model\": 3}"}) {
    EXPECT_FALSE(InvalidArgument(Tokenizer::FromJson(json)).empty()) << json;
  }
}

TEST(TokenizerLoadError, DeepJsonDoesNotOverflowTheStack) {
  EXPECT_THAT(InvalidArgument(Tokenizer::FromJson(std::string(1000000, '['))),
              Not(::testing::IsEmpty()));
}

// A tokenizer.json with one word and the given post-processor.
std::string JsonWith(const std::string& post_processor, const std::string& id = "1") {
  return R"({"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
    "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "decoder": null,
    "model": {"type": "WordLevel", "vocab": {"<u>": 0, "a": )" +
         id + R"(}, "unk_token": "<u>"}, "post_processor": )" + post_processor + "}";
}

TEST(TokenizerLoadError, IdsThatDoNotFitAreRefused) {
  ASSERT_TRUE(Tokenizer::FromJson(JsonWith("null")).ok());
  EXPECT_TRUE(Tokenizer::FromJson(JsonWith("null", "2147483646")).ok());
  EXPECT_THAT(InvalidArgument(Tokenizer::FromJson(JsonWith("null", "2147483647"))),
              HasSubstr("2147483647"));
  EXPECT_THAT(InvalidArgument(Tokenizer::FromJson(JsonWith("null", "4294967295"))),
              HasSubstr("4294967295"));
}

TEST(TokenizerLoadError, PostProcessorThatDoublesATextIsRefused) {
  const std::string doubled = R"({"type": "TemplateProcessing", "special_tokens": {},
    "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}]})";
  EXPECT_THAT(InvalidArgument(Tokenizer::FromJson(JsonWith(doubled))),
              HasSubstr("does not place each text"));
}

TEST(TokenizerLoadError, VocabNamesTheMissingTokens) {
  EXPECT_THAT(InvalidArgument(Tokenizer::FromBertVocab("[UNK]\n[SEP]\na\n", {})),
              AllOf(HasSubstr("[CLS]"), Not(HasSubstr("[SEP]"))));
  EXPECT_THAT(InvalidArgument(Tokenizer::FromBertVocab("", {})), HasSubstr("[UNK], [CLS], [SEP]"));
}

TEST(TokenizerLoadError, VocabThatIsNotUtf8NamesTheByte) {
  EXPECT_THAT(InvalidArgument(Tokenizer::FromBertVocab("[UNK]\n\xff\n", {})), HasSubstr("byte 6"));
}

}  // namespace
}  // namespace fathom
