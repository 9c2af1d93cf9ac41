// DivergenceGuard: says when a loss that is still finite has run away for good.
//
// The plateau is the mean of the first 50 losses. The running mean takes 2 % of each loss. A run
// has diverged when the running mean was above three times the plateau for 100 steps in a row: a
// few hard batches, or a draw of a deep n, never are.
#pragma once

#include <cstdint>

namespace fathom::training {

class DivergenceGuard {
 public:
  static constexpr int64_t kPlateauSteps = 50;
  static constexpr int64_t kPatience = 100;
  static constexpr double kFactor = 3;
  static constexpr double kShare = 0.02;

  // What a checkpoint keeps.
  struct State {
    int64_t steps = 0;
    double plateau = 0;  // of the steps so far, until there are kPlateauSteps
    double mean = 0;
    int64_t above = 0;  // steps in a row

    bool operator==(const State&) const = default;
  };

  DivergenceGuard() = default;
  explicit DivergenceGuard(const State& state) : state_(state) {}

  // The loss of one more step; true: the run has diverged. REQUIRES: finite.
  bool Diverged(double loss);

  const State& state() const { return state_; }

 private:
  State state_;
};

}  // namespace fathom::training
