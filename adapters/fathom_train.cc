// fathom-train: trains one adapter. See --help.
#include <c10/util/Exception.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <iostream>

#include "adapters/train_options.h"
#include "adapters/train_task.h"

namespace {

constexpr int kInterruptedExitCode = 130;  // as a shell reports SIGINT

volatile std::sig_atomic_t stop_requested = 0;

void RequestStop(int) { stop_requested = 1; }

// The first signal finishes the step; the second ends the program at once.
void InstallStopHandler() {
  struct sigaction action = {};
  action.sa_handler = RequestStop;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  namespace training = fathom::training;
  const training::ParsedCommandLine parsed = training::ParseCommandLine(argc, argv);
  if (!parsed.options) {
    (parsed.exit_code == 0 ? std::cout : std::cerr) << parsed.text;
    return parsed.exit_code;
  }
  InstallStopHandler();
  try {
    const absl::Status status = training::TrainTask(
        *parsed.options, {.progress = std::cerr,
                          .progress_is_terminal = isatty(STDERR_FILENO) == 1,
                          .result = std::cout,
                          .stop_requested = [] { return stop_requested != 0; }});
    if (status.ok()) return 0;
    std::cerr << (absl::IsCancelled(status) ? "" : "error: ") << status.message() << "\n";
    return absl::IsCancelled(status) ? kInterruptedExitCode : 1;
  } catch (const c10::Error& error) {
    std::cerr << "error: LibTorch: " << error.what_without_backtrace() << "\n";
    return 1;
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
}
