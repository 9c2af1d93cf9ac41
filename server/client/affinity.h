// The header by which a proxy in front of several servers sends equal texts to the same one, where
// their trunks are kept.
#pragma once

#include <string>

#include "fathom/v1/input.pb.h"

namespace fathom {

inline constexpr char kAffinityHeader[] = "x-affinity-key";

// 16 hexadecimal digits that follow from what is read alone: the same in every process and release.
// Equal for equal texts, pairs or token ids; Input.id does not count.
std::string AffinityKey(const v1::Input& input);

}  // namespace fathom
