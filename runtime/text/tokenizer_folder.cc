// Tokenizer::FromFolder: which file of a Hugging Face folder, and with which options.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "runtime/text/tokenizer.h"

namespace fathom {
namespace {

using Json = nlohmann::json;

absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || file.bad()) {
    return absl::UnavailableError(absl::StrCat("cannot read ", path.string()));
  }
  return bytes;
}

bool IsFile(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

// true, false, or absent; null is absent.
absl::StatusOr<std::optional<bool>> OptionalBool(const Json& config, const char* key) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return std::optional<bool>();
  if (!found->is_boolean()) {
    return absl::InvalidArgumentError(
        absl::StrCat(key, " is ", found->dump(), "; it must be true, false or null"));
  }
  return std::optional<bool>(found->get<bool>());
}

absl::StatusOr<BertVocabOptions> ParseOptions(std::string_view text) {
  const Json config = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) return absl::InvalidArgumentError("not a JSON object");
  const auto lowercase = OptionalBool(config, "do_lower_case");
  if (!lowercase.ok()) return lowercase.status();
  const auto strip_accents = OptionalBool(config, "strip_accents");
  if (!strip_accents.ok()) return strip_accents.status();
  const auto chinese = OptionalBool(config, "tokenize_chinese_chars");
  if (!chinese.ok()) return chinese.status();

  const BertVocabOptions defaults;
  return BertVocabOptions{
      .lowercase = lowercase->value_or(defaults.lowercase),
      .strip_accents = *strip_accents,
      .tokenize_chinese_chars = chinese->value_or(defaults.tokenize_chinese_chars),
  };
}

absl::Status At(const std::filesystem::path& path, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(path.string(), ": ", status.message()));
}

// The options of tokenizer_config.json; without that file, the defaults.
absl::StatusOr<BertVocabOptions> ReadOptions(const std::filesystem::path& path) {
  if (!IsFile(path)) return BertVocabOptions();
  const auto text = ReadFile(path);
  if (!text.ok()) return text.status();
  const auto options = ParseOptions(*text);
  if (!options.ok()) return At(path, options.status());
  return options;
}

using Loaded = absl::StatusOr<std::unique_ptr<const Tokenizer>>;

Loaded LoadJson(const std::filesystem::path& path) {
  const auto json = ReadFile(path);
  if (!json.ok()) return json.status();
  Loaded tokenizer = Tokenizer::FromJson(*json);
  if (!tokenizer.ok()) return At(path, tokenizer.status());
  return tokenizer;
}

Loaded LoadVocab(const std::filesystem::path& path) {
  const auto options = ReadOptions(path.parent_path() / "tokenizer_config.json");
  if (!options.ok()) return options.status();
  const auto vocab = ReadFile(path);
  if (!vocab.ok()) return vocab.status();
  Loaded tokenizer = Tokenizer::FromBertVocab(*vocab, *options);
  if (!tokenizer.ok()) return At(path, tokenizer.status());
  return tokenizer;
}

}  // namespace

absl::StatusOr<std::unique_ptr<const Tokenizer>> Tokenizer::FromFolder(const std::string& folder) {
  const std::filesystem::path path(folder);
  if (IsFile(path / "tokenizer.json")) return LoadJson(path / "tokenizer.json");
  if (IsFile(path / "vocab.txt")) return LoadVocab(path / "vocab.txt");
  return absl::NotFoundError(
      absl::StrCat("neither tokenizer.json nor vocab.txt is in the folder ", folder));
}

}  // namespace fathom
