#include "adapters/model/packed_texts.h"

#include <ATen/ops/empty.h>

namespace fathom::training {

PackedTexts Pack(absl::Span<const TokenizedText* const> texts) {
  PackedTexts packed;
  packed.cls_rows = at::empty({static_cast<int64_t>(texts.size())}, at::kLong);
  int64_t* cls_row = packed.cls_rows.mutable_data_ptr<int64_t>();
  int64_t row = 0;
  for (const TokenizedText* text : texts) {
    const auto tokens = static_cast<int64_t>(text->ids.size());
    if (packed.groups.empty() || packed.groups.back().tokens != tokens) {
      packed.groups.push_back({0, tokens});
    }
    ++packed.groups.back().texts;
    *cls_row++ = row;
    row += tokens;
  }
  for (const LengthGroup& group : packed.groups) packed.group_rows.push_back(group.rows());
  return packed;
}

}  // namespace fathom::training
