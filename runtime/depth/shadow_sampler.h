// ShadowSampler: which answers are compared with n = 0. Deterministic: of every 1 / ratio answers
// the last one.
#pragma once

namespace fathom {

// For one thread at a time.
class ShadowSampler {
 public:
  // `ratio` is 0 … 1 and may change from call to call.
  bool Take(double ratio) {
    owed_ += ratio;
    if (owed_ < 1) return false;
    owed_ -= 1;
    return true;
  }

 private:
  double owed_ = 0;
};

}  // namespace fathom
