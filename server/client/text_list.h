// Texts that a command was given, on the command line or in a file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "fathom/v1/input.pb.h"

namespace fathom {

struct TextFlags {
  std::vector<std::string> texts;
  std::vector<std::string> pair;  // second texts: one for each text, or none at all
  std::string file;  // one text a line, a tab before a second text; "-": standard input
};

struct Text {
  std::string first;
  std::optional<std::string> second;

  std::string Shown() const { return second ? first + " | " + *second : first; }
  v1::Input ToInput() const;
};

// In the order given, those of the file last. NOT_FOUND names a file that cannot be read.
absl::StatusOr<std::vector<Text>> ReadTexts(const TextFlags& flags);

}  // namespace fathom
