// Where bytes stop being UTF-8, by the utfcpp library. Plain, no Torch.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace fathom {

// The offset of the first byte that is not part of a valid character (no overlong forms, no
// surrogates, nothing above U+10FFFF); nothing if all are.
std::optional<size_t> FirstInvalidUtf8(std::string_view bytes);

}  // namespace fathom
