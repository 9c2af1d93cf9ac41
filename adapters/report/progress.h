// Progress: what a person sees while training runs. A bar that rewrites its line on a terminal, a
// line now and then otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

namespace fathom::training {

struct ProgressState {
  int64_t step = 0;  // optimizer steps done
  int64_t total_steps = 0;
  double loss = 0;              // mean of the recent steps
  double texts_per_second = 0;  // since this run started
  double seconds_left = 0;
};

// One line, without a line end: "step 120/1560  loss 0.412  213 texts/s  2 min 10 s left".
std::string FormatProgress(const ProgressState& state);
// The same behind a bar of `width` cells.
std::string FormatBar(const ProgressState& state, int width);
// "42 s", "2 min 10 s", "1 h 05 min".
std::string FormatDuration(double seconds);

// One thread at a time.
class Progress {
 public:
  // `out` outlives the Progress; `terminal`: it is one, so lines may be rewritten.
  Progress(std::ostream& out, bool terminal, int64_t first_step, int64_t total_steps);

  // After each optimizer step.
  void Step(double loss, int64_t texts);
  // A whole line of its own, above the bar.
  void Message(const std::string& line);

 private:
  using Clock = std::chrono::steady_clock;

  ProgressState State() const;
  void Show(Clock::time_point now);

  std::ostream& out_;
  const bool terminal_;
  const int64_t first_step_;
  const int64_t total_steps_;
  const Clock::time_point start_;
  Clock::time_point shown_;
  int64_t step_;
  int64_t texts_ = 0;
  double loss_ = 0;
};

}  // namespace fathom::training
