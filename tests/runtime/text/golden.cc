#include "tests/runtime/text/golden.h"

#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <utility>

#include "nlohmann/json.hpp"

namespace fathom {
namespace {

using Json = nlohmann::json;

Truncation ParseTruncation(const std::string& name) {
  static const std::map<std::string, Truncation> kByName = {
      {"longest_first", Truncation::kLongestFirst},
      {"only_first", Truncation::kOnlyFirst},
      {"only_second", Truncation::kOnlySecond},
  };
  return kByName.at(name);
}

std::optional<bool> OptionalBool(const Json& value) {
  if (value.is_null()) return std::nullopt;
  return value.get<bool>();
}

GoldenCase ParseCase(const Json& row, const std::vector<std::string>& texts) {
  GoldenCase parsed;
  parsed.text.first = texts.at(row.at(0).get<size_t>());
  if (!row.at(1).is_null()) parsed.text.second = texts.at(row.at(1).get<size_t>());
  parsed.max_tokens = row.at(2).get<int>();
  parsed.truncation = ParseTruncation(row.at(3).get<std::string>());
  parsed.full_tokens = row.at(4).get<int32_t>();
  parsed.refused = row.at(5).is_null();
  if (!parsed.refused) {
    parsed.ids = row.at(5).get<std::vector<int32_t>>();
    for (const char digit : row.at(6).get<std::string>()) parsed.segment_ids.push_back(digit - '0');
  }
  parsed.name = "case " + row.dump();
  return parsed;
}

}  // namespace

std::string ReadGoldenFile(const std::string& name) {
  const std::string path = std::string(FATHOM_SOURCE_DIR) + "/tests/runtime/text/golden/" + name;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::unique_ptr<const Tokenizer> LoadGoldenTokenizer(const std::string& file,
                                                     const BertVocabOptions& options) {
  const std::string bytes = ReadGoldenFile(file);
  const bool is_vocab = file.ends_with(".txt");
  auto tokenizer = is_vocab ? Tokenizer::FromBertVocab(bytes, options) : Tokenizer::FromJson(bytes);
  if (!tokenizer.ok()) throw std::runtime_error(tokenizer.status().ToString());
  return *std::move(tokenizer);
}

Golden LoadGolden(const std::string& name) {
  Golden golden;
  golden.texts = Json::parse(ReadGoldenFile("texts.json")).get<std::vector<std::string>>();
  const Json file = Json::parse(ReadGoldenFile(name));
  golden.tokenizer_file = file.at("tokenizer").get<std::string>();
  if (const Json& options = file.at("options"); !options.is_null()) {
    golden.options.lowercase = options.at("lowercase").get<bool>();
    golden.options.strip_accents = OptionalBool(options.at("strip_accents"));
    golden.options.tokenize_chinese_chars = options.at("tokenize_chinese_chars").get<bool>();
  }
  for (const Json& row : file.at("cases")) golden.cases.push_back(ParseCase(row, golden.texts));
  return golden;
}

}  // namespace fathom
