// Checks that bytes are UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing
// above U+10FFFF.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace fathom::training {

// The offset of the first byte that does not belong to a valid sequence; nothing if all do.
std::optional<size_t> FirstInvalidUtf8(std::string_view bytes);

}  // namespace fathom::training
