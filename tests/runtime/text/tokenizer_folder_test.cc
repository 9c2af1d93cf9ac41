#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/runtime/text/golden.h"

namespace fathom {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::string_view kVocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nword\nWord\n";
constexpr int32_t kWord = 4;
constexpr int32_t kCapitalWord = 5;

class TokenizerFolder : public ::testing::Test {
 protected:
  TokenizerFolder() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(::testing::TempDir()) / "tokenizer_folder" / test->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~TokenizerFolder() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& name, std::string_view bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }

  auto Load() const { return Tokenizer::FromFolder(folder_.string()); }

  // The one token of "Word" between the special tokens, or -1.
  int32_t IdOfWord() const {
    const auto tokenizer = Load();
    EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
    if (!tokenizer.ok()) return -1;
    const auto encoded = (*tokenizer)->Encode({"Word", {}}, Truncation::kError, 8);
    return encoded.ok() && encoded->ids.size() == 3 ? encoded->ids[1] : -1;
  }

  std::filesystem::path folder_;
};

TEST_F(TokenizerFolder, WithNeitherFileNamesBoth) {
  const auto tokenizer = Load();
  EXPECT_EQ(tokenizer.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(tokenizer.status().message()),
              AllOf(HasSubstr("tokenizer.json"), HasSubstr("vocab.txt"), HasSubstr(folder_)));
  EXPECT_EQ(Tokenizer::FromFolder((folder_ / "absent").string()).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(TokenizerFolder, WithAVocabAloneLowercases) {
  Write("vocab.txt", kVocab);
  EXPECT_EQ(IdOfWord(), kWord);
}

TEST_F(TokenizerFolder, WithAVocabTakesTheOptionsOfItsConfig) {
  Write("vocab.txt", kVocab);
  Write("tokenizer_config.json", R"({"do_lower_case": false, "strip_accents": null})");
  EXPECT_EQ(IdOfWord(), kCapitalWord);
}

TEST_F(TokenizerFolder, PrefersTokenizerJson) {
  Write("vocab.txt", kVocab);
  Write("tokenizer.json", ReadGoldenFile("wordpiece_tokenizer.json"));
  const auto tokenizer = Load();
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ((*tokenizer)->vocab_size(), 800);
}

TEST_F(TokenizerFolder, BrokenFilesNameTheirPath) {
  const struct {
    std::string file;
    std::string_view bytes;
    std::string_view says;
  } cases[] = {
      {"vocab.txt", "[UNK]\n[SEP]\n", "[CLS]"},
      {"tokenizer_config.json", "{", "not a JSON object"},
      {"tokenizer_config.json", "[]", "not a JSON object"},
      {"tokenizer_config.json", R"({"do_lower_case": "yes"})", "do_lower_case is \"yes\""},
      {"tokenizer_config.json", R"({"strip_accents": 1})", "strip_accents is 1"},
      {"tokenizer.json", "{", "line 1"},
  };
  for (const auto& [file, bytes, says] : cases) {
    std::filesystem::remove(folder_ / "tokenizer_config.json");
    Write("vocab.txt", kVocab);
    Write(file, bytes);
    const auto tokenizer = Load();
    EXPECT_EQ(tokenizer.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(tokenizer.status().message()),
                AllOf(HasSubstr((folder_ / file).string()), HasSubstr(says)));
  }
}

}  // namespace
}  // namespace fathom
