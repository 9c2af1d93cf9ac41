#include "server/client/text_list.h"

#include <fstream>
#include <iostream>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

void ReadLines(std::istream& in, std::vector<Text>& texts) {
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const size_t tab = line.find('\t');
    Text& text = texts.emplace_back();
    text.first = line.substr(0, tab);
    if (tab != std::string::npos) text.second = line.substr(tab + 1);
  }
}

}  // namespace

v1::Input Text::ToInput() const {
  v1::Input input;
  if (second) {
    input.mutable_pair()->set_first(first);
    input.mutable_pair()->set_second(*second);
  } else {
    input.set_text(first);
  }
  return input;
}

absl::StatusOr<std::vector<Text>> ReadTexts(const TextFlags& flags) {
  std::vector<Text> texts;
  for (size_t i = 0; i < flags.texts.size(); ++i) {
    Text& text = texts.emplace_back();
    text.first = flags.texts[i];
    if (!flags.pair.empty()) text.second = flags.pair[i];
  }
  if (flags.file == "-") {
    ReadLines(std::cin, texts);
  } else if (!flags.file.empty()) {
    std::ifstream file(flags.file);
    if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", flags.file));
    ReadLines(file, texts);
  }
  return texts;
}

}  // namespace fathom
