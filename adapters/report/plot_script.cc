#include "adapters/report/plot_script.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/file/atomic_file.h"

namespace fathom::training {
namespace {

namespace fs = std::filesystem;

// FATHOM_EXPERIMENTS/plot_depth.py, or adapters/experiments/ of the tree that the program was built
// in: build/<preset>/bin/ is three folders below it.
fs::path ScriptPath() {
  if (const char* folder = std::getenv("FATHOM_EXPERIMENTS"))
    return fs::path(folder) / "plot_depth.py";
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path root = program.parent_path().parent_path().parent_path().parent_path();
  return root / "adapters" / "experiments" / "plot_depth.py";
}

absl::Status RunToEnd(std::vector<std::string> arguments) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  pid_t child = 0;
  const int error = posix_spawnp(&child, pointers[0], nullptr, nullptr, pointers.data(), environ);
  if (error != 0) return absl::ErrnoToStatus(error, absl::StrCat("cannot run ", arguments[0]));
  int ended = 0;
  if (waitpid(child, &ended, 0) != child || !WIFEXITED(ended) || WEXITSTATUS(ended) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(arguments[0], " ", arguments[1], " failed; what it says is above"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status DrawProfile(const std::string& json, const std::string& plot_file,
                         const std::string& python) {
  const fs::path script = ScriptPath();
  std::error_code error;
  if (!fs::exists(script, error)) {
    return absl::NotFoundError(
        absl::StrCat("--plot: there is no ", script.string(), "; set FATHOM_EXPERIMENTS to the ",
                     "folder of plot_depth.py, or run it on the file of --json"));
  }
  const std::string json_file = TemporarySibling(plot_file);
  absl::Status status = WriteFileAtomically(json_file, json);
  if (status.ok()) status = RunToEnd({python, script.string(), json_file, "--output", plot_file});
  fs::remove(json_file, error);
  return status;
}

}  // namespace fathom::training
