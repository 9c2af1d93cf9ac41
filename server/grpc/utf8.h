// UTF-8 as protobuf means it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace fathom {

// Where the first byte stands that is not part of a valid character; nothing if all is valid.
std::optional<size_t> FindInvalidUtf8(std::string_view text);

}  // namespace fathom
