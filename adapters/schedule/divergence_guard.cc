#include "adapters/schedule/divergence_guard.h"

namespace fathom::training {

bool DivergenceGuard::Diverged(double loss) {
  ++state_.steps;
  if (state_.steps <= kPlateauSteps) {
    state_.plateau += (loss - state_.plateau) / static_cast<double>(state_.steps);
    state_.mean = state_.plateau;
    return false;
  }
  state_.mean += kShare * (loss - state_.mean);
  state_.above = state_.mean > kFactor * state_.plateau ? state_.above + 1 : 0;
  return state_.above >= kPatience;
}

}  // namespace fathom::training
