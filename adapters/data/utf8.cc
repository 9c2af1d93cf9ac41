#include "adapters/data/utf8.h"

#include <algorithm>

namespace fathom::training {
namespace {

// A lead byte range, and the range its first continuation byte must lie in (RFC 3629, section 4).
struct Form {
  unsigned char lead_first;
  unsigned char lead_last;
  unsigned char second_first;
  unsigned char second_last;
  size_t length;
};

constexpr Form kForms[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
    {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
    {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

// Bytes of the sequence at the start of `bytes`, or 0 if it is not valid.
size_t SequenceLength(std::string_view bytes) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (byte(0) < 0x80) return 1;
  const auto* form = std::find_if(std::begin(kForms), std::end(kForms), [&](const Form& f) {
    return f.lead_first <= byte(0) && byte(0) <= f.lead_last;
  });
  if (form == std::end(kForms) || bytes.size() < form->length) return 0;
  if (byte(1) < form->second_first || byte(1) > form->second_last) return 0;
  for (size_t i = 2; i < form->length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return form->length;
}

}  // namespace

std::optional<size_t> FirstInvalidUtf8(std::string_view bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const size_t length = SequenceLength(bytes.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::nullopt;
}

}  // namespace fathom::training
