#include "server/depth/agreement.h"

#include <algorithm>
#include <cstddef>

#include "absl/types/span.h"

namespace fathom {
namespace {

using Logits = absl::Span<const float>;

bool SameLabel(Logits a, Logits b) {
  return std::max_element(a.begin(), a.end()) - a.begin() ==
         std::max_element(b.begin(), b.end()) - b.begin();
}

// A label is in the set if it is likelier than not: its logit is above 0.
bool SameSet(Logits a, Logits b) {
  return std::equal(a.begin(), a.end(), b.begin(),
                    [](float x, float y) { return (x > 0) == (y > 0); });
}

double SameTags(Logits a, Logits b, size_t classes) {
  size_t same = 0;
  for (size_t first = 0; first < a.size(); first += classes) {
    if (SameLabel(a.subspan(first, classes), b.subspan(first, classes))) ++same;
  }
  return static_cast<double>(same * classes) / static_cast<double>(a.size());
}

}  // namespace

std::optional<double> Agreement(const TaskInfo& task, const TaskOutput& a, const TaskOutput& b) {
  const size_t classes = task.labels.size();
  if (!a.status.ok() || !b.status.ok() || a.logits.size() != b.logits.size()) return std::nullopt;
  if (classes == 0 || a.logits.empty() || a.logits.size() % classes != 0) return std::nullopt;
  if (task.head != HeadKind::kTagging && a.logits.size() != classes) return std::nullopt;
  switch (task.head) {
    case HeadKind::kClassification:
      return SameLabel(a.logits, b.logits) ? 1 : 0;
    case HeadKind::kMultiLabel:
      return SameSet(a.logits, b.logits) ? 1 : 0;
    case HeadKind::kTagging:
      return SameTags(a.logits, b.logits, classes);
    case HeadKind::kRegression:
      break;
  }
  return std::nullopt;
}

}  // namespace fathom
