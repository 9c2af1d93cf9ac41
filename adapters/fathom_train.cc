// fathom-train: trains one adapter; its subcommands do the rest. See --help.
#include <c10/util/Exception.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <exception>
#include <iostream>
#include <string_view>

#include "adapters/console.h"
#include "adapters/profile_options.h"
#include "adapters/profile_task.h"
#include "adapters/prune_options.h"
#include "adapters/prune_task.h"
#include "adapters/run_seeds.h"
#include "adapters/train_options.h"
#include "adapters/train_task.h"

namespace {

namespace training = fathom::training;

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

// What a parse ended with, run to its exit code.
template <typename Options>
int Run(const training::Parsed<Options>& parsed,
        absl::Status (*run)(const Options&, const training::TrainConsole&)) {
  if (!parsed.options) {
    (parsed.exit_code == 0 ? std::cout : std::cerr) << parsed.text;
    return parsed.exit_code;
  }
  const absl::Status status =
      run(*parsed.options, {.progress = std::cerr,
                            .progress_is_terminal = isatty(STDERR_FILENO) == 1,
                            .result = std::cout,
                            .stop_requested = [] { return stop_requested != 0; }});
  if (status.ok()) return 0;
  std::cerr << (absl::IsCancelled(status) ? "" : "error: ") << status.message() << "\n";
  return absl::IsCancelled(status) ? kInterruptedExitCode : 1;
}

absl::Status TrainOnceOrBySeeds(const training::TrainOptions& options,
                                const training::TrainConsole& console) {
  return options.seeds.empty() ? training::TrainTask(options, console)
                               : training::RunSeeds(options, console);
}

struct Subcommand {
  std::string_view name;
  int (*run)(int argc, const char* const* argv);  // argv[0] is the subcommand
};

constexpr std::array<Subcommand, 3> kSubcommands = {{
    {"profile",
     [](int argc, const char* const* argv) {
       return Run(training::ParseProfileOptions(argc, argv), training::ProfileTask);
     }},
    {"fuse",
     [](int argc, const char* const* argv) {
       return Run(training::ParseFuseOptions(argc, argv), TrainOnceOrBySeeds);
     }},
    {"prune",
     [](int argc, const char* const* argv) {
       return Run(training::ParsePruneOptions(argc, argv), training::PruneTask);
     }},
}};

// Without a subcommand it trains.
int Dispatch(int argc, const char* const* argv) {
  for (const Subcommand& subcommand : kSubcommands) {
    if (argc > 1 && subcommand.name == argv[1]) return subcommand.run(argc - 1, argv + 1);
  }
  return Run(training::ParseCommandLine(argc, argv), TrainOnceOrBySeeds);
}

}  // namespace

int main(int argc, char** argv) {
  InstallStopHandler();
  try {
    return Dispatch(argc, argv);
  } catch (const c10::Error& error) {
    std::cerr << "error: LibTorch: " << error.what_without_backtrace() << "\n";
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
  }
  return 1;
}
