#include "runtime/cache/tap_policy.h"

#include <algorithm>
#include <cstddef>

#include "runtime/cache/tap.h"

namespace fathom {
namespace {

constexpr int kSightingsForAllRows = 2;

double Worth(const TapQuestion& question, int layer) {
  return (layer + 1) * question.asked_at_least[static_cast<size_t>(layer)];
}

TapForm FormAt(const TapQuestion& question, int layer) {
  if (layer == question.layers - 1 && question.cls_only_at_last) return TapForm::kClsPair;
  const bool pair = std::find(question.pair_layers.begin(), question.pair_layers.end(), layer) !=
                    question.pair_layers.end();
  return pair ? TapForm::kPair : TapForm::kSum;
}

// The worthiest of those that the text's sightings allow.
std::optional<TapPoint> BestComputed(const TapQuestion& question) {
  std::optional<TapPoint> best;
  for (int layer = question.first_computed; layer <= question.last_computed; ++layer) {
    const TapForm form = FormAt(question, layer);
    if (!IsClsOnly(form) && question.sightings < kSightingsForAllRows) continue;
    if (!best || Worth(question, layer) >= Worth(question, best->layer)) best = {layer, form};
  }
  return best;
}

}  // namespace

std::optional<TapPoint> ChooseTap(const TapQuestion& question) {
  const std::optional<TapPoint> best = BestComputed(question);
  if (!best) return std::nullopt;
  for (const TapPoint& kept : question.kept) {
    if (kept.layer != best->layer) continue;
    if (Serves(kept.form, best->form)) return std::nullopt;
    return best;
  }
  const bool replaces = question.kept.size() == kMaxTapsOfText;
  if (replaces && Worth(question, best->layer) <= Worth(question, question.kept.back().layer)) {
    return std::nullopt;
  }
  return best;
}

}  // namespace fathom
