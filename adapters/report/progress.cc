#include "adapters/report/progress.h"

#include <algorithm>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace fathom::training {
namespace {

constexpr int kBarWidth = 24;
constexpr auto kTerminalInterval = std::chrono::milliseconds(200);
constexpr auto kLineInterval = std::chrono::seconds(10);
constexpr double kLossSmoothing = 0.95;
constexpr const char* kClearLine = "\r\033[K";

double Seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

std::string FormatDuration(double seconds) {
  const auto whole = static_cast<int64_t>(std::max(0.0, seconds) + 0.5);
  if (whole < 60) return absl::StrCat(whole, " s");
  if (whole < 3600) return absl::StrFormat("%d min %02d s", whole / 60, whole % 60);
  return absl::StrFormat("%d h %02d min", whole / 3600, whole % 3600 / 60);
}

std::string FormatProgress(const ProgressState& state) {
  return absl::StrFormat("step %d/%d  loss %.4f  %.0f texts/s  %s left", state.step,
                         state.total_steps, state.loss, state.texts_per_second,
                         FormatDuration(state.seconds_left));
}

std::string FormatBar(const ProgressState& state, int width) {
  const auto total = std::max<int64_t>(1, state.total_steps);
  const auto filled = static_cast<int>(std::clamp<int64_t>(state.step * width / total, 0, width));
  std::string bar;
  for (int i = 0; i < width; ++i) bar += i < filled ? "█" : "░";
  return absl::StrCat(bar, "  ", FormatProgress(state));
}

Progress::Progress(std::ostream& out, bool terminal, int64_t first_step, int64_t total_steps)
    : out_(out),
      terminal_(terminal),
      first_step_(first_step),
      total_steps_(total_steps),
      start_(Clock::now()),
      shown_(start_),
      step_(first_step) {}

void Progress::Step(double loss, int64_t texts) {
  loss_ = step_ == first_step_ ? loss : kLossSmoothing * loss_ + (1 - kLossSmoothing) * loss;
  ++step_;
  texts_ += texts;
  const Clock::time_point now = Clock::now();
  const bool due = terminal_ ? now - shown_ >= kTerminalInterval : now - shown_ >= kLineInterval;
  if (due || step_ == total_steps_) Show(now);
}

void Progress::Message(const std::string& line) {
  if (terminal_) out_ << kClearLine;
  out_ << line << std::endl;
}

ProgressState Progress::State() const {
  const double elapsed = std::max(1e-9, Seconds(Clock::now() - start_));
  const auto done = static_cast<double>(std::max<int64_t>(1, step_ - first_step_));
  return {step_, total_steps_, loss_, static_cast<double>(texts_) / elapsed,
          elapsed / done * static_cast<double>(total_steps_ - step_)};
}

void Progress::Show(Clock::time_point now) {
  shown_ = now;
  if (!terminal_) {
    out_ << FormatProgress(State()) << std::endl;
    return;
  }
  out_ << kClearLine << FormatBar(State(), kBarWidth);
  if (step_ == total_steps_) out_ << "\n";
  out_ << std::flush;
}

}  // namespace fathom::training
