// Every id is the one that Python's tokenizers gives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "tests/runtime/text/golden.h"

namespace fathom {
namespace {

using ::testing::HasSubstr;

void ExpectSame(const Tokenizer& tokenizer, const GoldenCase& expected) {
  SCOPED_TRACE(expected.name);
  const auto encoded = tokenizer.Encode(expected.text, expected.truncation, expected.max_tokens);
  if (expected.refused) {
    EXPECT_EQ(encoded.status().code(), absl::StatusCode::kInvalidArgument);
    return;
  }
  ASSERT_TRUE(encoded.ok()) << encoded.status();
  EXPECT_EQ(encoded->ids, expected.ids);
  EXPECT_EQ(encoded->segment_ids, expected.segment_ids);
  EXPECT_EQ(encoded->full_tokens, expected.full_tokens);
  EXPECT_EQ(encoded->truncated(), expected.full_tokens > expected.max_tokens);
}

class TokenizerGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(TokenizerGolden, EncodesAsPython) {
  const Golden golden = LoadGolden(GetParam());
  ASSERT_GE(golden.cases.size(), 100u);
  const auto tokenizer = LoadGoldenTokenizer(golden.tokenizer_file, golden.options);
  for (const GoldenCase& expected : golden.cases) ExpectSame(*tokenizer, expected);
}

INSTANTIATE_TEST_SUITE_P(Files, TokenizerGolden,
                         ::testing::Values("uncased.json", "byte_bpe.json", "cased.json",
                                           "accents_kept.json", "accents_stripped.json"));

TEST(Tokenizer, OfAVocabAloneEncodesAsTheJsonOfTheSameVocab) {
  const Golden golden = LoadGolden("uncased.json");
  const auto tokenizer = LoadGoldenTokenizer("wordpiece_vocab.txt");
  for (const GoldenCase& expected : golden.cases) ExpectSame(*tokenizer, expected);
  EXPECT_EQ(tokenizer->vocab_size(), LoadGoldenTokenizer(golden.tokenizer_file)->vocab_size());
}

TEST(Tokenizer, SaysWhichBytesATokenStandsForAsPython) {
  const auto texts = nlohmann::json::parse(ReadGoldenFile("texts.json"));
  const auto golden = nlohmann::json::parse(ReadGoldenFile("spans.json"));
  const auto tokenizer = LoadGoldenTokenizer(golden.at("tokenizer"));
  ASSERT_GE(golden.at("cases").size(), 30u);
  for (const auto& row : golden.at("cases")) {
    SCOPED_TRACE(row.dump());
    const std::string first = texts.at(row.at(0).get<size_t>());
    const std::string second = row.at(1).is_null() ? "" : texts.at(row.at(1).get<size_t>());
    RawText text{.first = first, .with_spans = true};
    if (!row.at(1).is_null()) text.second = second;
    const int limit = golden.at("max_tokens");
    const auto encoded = tokenizer->Encode(text, Truncation::kLongestFirst, limit);
    ASSERT_TRUE(encoded.ok()) << encoded.status();
    std::vector<TokenSpan> expected;
    for (const auto& span : row.at(2)) {
      expected.push_back({.begin = span.at(1), .end = span.at(2), .text = span.at(0)});
    }
    EXPECT_EQ(encoded->spans, expected);

    text.with_spans = false;
    const auto plain = tokenizer->Encode(text, Truncation::kLongestFirst, limit);
    EXPECT_EQ(plain->ids, encoded->ids);
    EXPECT_EQ(plain->segment_ids, encoded->segment_ids);
    EXPECT_TRUE(plain->spans.empty());
  }
}

TEST(Tokenizer, RefusesExactlyTheTextsOverTheLimitWhenTruncationIsOff) {
  const Golden golden = LoadGolden("uncased.json");
  const auto tokenizer = LoadGoldenTokenizer(golden.tokenizer_file);
  for (const GoldenCase& expected : golden.cases) {
    SCOPED_TRACE(expected.name);
    const auto encoded = tokenizer->Encode(expected.text, Truncation::kError, expected.max_tokens);
    if (expected.full_tokens <= expected.max_tokens) {
      ASSERT_TRUE(encoded.ok()) << encoded.status();
      EXPECT_EQ(encoded->ids, expected.ids);
      continue;
    }
    EXPECT_EQ(encoded.status().code(), absl::StatusCode::kInvalidArgument);
    const std::string message(encoded.status().message());
    EXPECT_THAT(message, HasSubstr(std::to_string(expected.full_tokens) + " tokens"));
    EXPECT_THAT(message, HasSubstr("limit is " + std::to_string(expected.max_tokens)));
    EXPECT_THAT(message, HasSubstr("truncation is off"));
  }
}

TEST(Tokenizer, GivesEqualIdsToThreadsThatShareIt) {
  const Golden golden = LoadGolden("uncased.json");
  const auto tokenizer = LoadGoldenTokenizer(golden.tokenizer_file);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (const GoldenCase& expected : golden.cases) ExpectSame(*tokenizer, expected);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Tokenizer, VocabSizeIsOneMoreThanTheLargestId) {
  EXPECT_EQ(LoadGoldenTokenizer("wordpiece_tokenizer.json")->vocab_size(), 800);
  EXPECT_EQ(LoadGoldenTokenizer("byte_bpe_tokenizer.json")->vocab_size(), 500);
  const auto with_double = Tokenizer::FromBertVocab("[UNK]\n[CLS]\n[SEP]\na\na\n", {});
  ASSERT_TRUE(with_double.ok()) << with_double.status();
  EXPECT_EQ((*with_double)->vocab_size(), 5);
}

}  // namespace
}  // namespace fathom
