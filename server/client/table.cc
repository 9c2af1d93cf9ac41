#include "server/client/table.h"

#include <algorithm>
#include <cmath>

namespace fathom {
namespace {

bool StartsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

// Characters of UTF-8 text.
size_t Width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), StartsCharacter));
}

}  // namespace

std::string Table::ToString() const {
  std::vector<size_t> widths(rows_.front().size());
  for (const std::vector<std::string>& row : rows_) {
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], Width(row[c]));
  }
  std::string text;
  for (const std::vector<std::string>& row : rows_) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      line += row[c] + std::string(widths[c] - Width(row[c]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string OneLine(const std::string& text, size_t max_characters) {
  std::string line;
  size_t characters = 0;
  for (const char c : text) {
    if (StartsCharacter(c) && characters++ == max_characters) return line + "…";
    const auto byte = static_cast<unsigned char>(c);
    line += byte < 0x20 || byte == 0x7F ? ' ' : c;
  }
  return line;
}

std::string Bar(double share) {
  const auto full = std::lround(std::clamp(share, 0.0, 1.0) * 10);
  std::string bar;
  for (long i = 0; i < 10; ++i) bar += i < full ? "█" : "░";
  return bar;
}

}  // namespace fathom
