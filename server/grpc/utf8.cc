#include "server/grpc/utf8.h"

#include <cstdint>

namespace fathom {
namespace {

// Bytes of the character that starts with `lead`; 0 if none does.
size_t CharacterLength(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  if (lead < 0xF5) return 4;
  return 0;
}

// The bounds on the second byte keep out overlong forms, surrogates and what is above U+10FFFF.
bool ValidSecond(uint8_t lead, uint8_t second) {
  switch (lead) {
    case 0xE0:
      return second >= 0xA0 && second <= 0xBF;
    case 0xED:
      return second >= 0x80 && second <= 0x9F;
    case 0xF0:
      return second >= 0x90 && second <= 0xBF;
    case 0xF4:
      return second >= 0x80 && second <= 0x8F;
    default:
      return second >= 0x80 && second <= 0xBF;
  }
}

}  // namespace

std::optional<size_t> FindInvalidUtf8(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = CharacterLength(byte(at));
    if (length == 0 || text.size() - at < length) return at;
    if (length > 1 && !ValidSecond(byte(at), byte(at + 1))) return at;
    for (size_t i = 2; i < length; ++i) {
      if ((byte(at + i) & 0xC0U) != 0x80U) return at;
    }
    at += length;
  }
  return std::nullopt;
}

}  // namespace fathom
