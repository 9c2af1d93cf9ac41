// DriftCorrection: how much slower or faster the machine is than when it was measured, and how much
// later than predicted passes end at times.
#pragma once

namespace fathom {

// A slow average of actual / predicted time, by which predictions are multiplied: other programs,
// heat and frequency move a machine by a quarter either way. Pure arithmetic; the owner locks it.
class DriftCorrection {
 public:
  // The weight of one pass in the average: the last hundred passes or so count.
  static constexpr double kWeight = 0.02;
  // A pass that was interrupted says nothing of the next one: a ratio counts as this at most, and
  // as its inverse at least. The factor stays within the same bounds.
  static constexpr double kLargestRatio = 4;

  // So many passes end before LateMs; how far that is above Correct moves by at most so much a
  // pass.
  static constexpr double kInTime = 0.95;
  static constexpr double kLateStep = 0.02;

  double Correct(double predicted_ms) const { return predicted_ms * factor_; }
  double LateMs(double predicted_ms) const { return Correct(predicted_ms) * late_; }
  double factor() const { return factor_; }

  // `predicted_ms` is the model's own, not corrected. Ignored where either is not above zero.
  void Observe(double predicted_ms, double actual_ms);

 private:
  double factor_ = 1;
  double late_ = 1.1;  // the ratio of actual to corrected time that kInTime of the passes are below
};

}  // namespace fathom
