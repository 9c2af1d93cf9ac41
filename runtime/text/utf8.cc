#include "runtime/text/utf8.h"

#include <utf8.h>

namespace fathom {

std::optional<size_t> FirstInvalidUtf8(std::string_view bytes) {
  const auto found = utf8::find_invalid(bytes.begin(), bytes.end());
  if (found == bytes.end()) return std::nullopt;
  return static_cast<size_t>(found - bytes.begin());
}

}  // namespace fathom
