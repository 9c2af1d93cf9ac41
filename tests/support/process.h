// A child process with its two outputs, for tests that run the real programs.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace fathom {

class Process {
 public:
  // argv[0] is the program's path. `environment` is added to the test's own ("NAME=value").
  explicit Process(const std::vector<std::string>& argv,
                   const std::vector<std::string>& environment = {});
  ~Process();  // kills it if it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Blocks until a line of the standard error contains `text`. False: it ended without one.
  bool AwaitError(const std::string& text);

  void Signal(int signal) const;

  // Blocks until it ends. The exit code, or 128 + the signal that ended it.
  int Wait();

  // What it has written so far; all of it after Wait.
  const std::string& output() const { return output_; }
  const std::string& error() const { return error_; }

 private:
  // Blocks until something was read. False: both ends are closed.
  bool ReadSome();

  pid_t pid_ = -1;
  int output_fd_ = -1;
  int error_fd_ = -1;
  std::string output_;
  std::string error_;
};

struct Finished {
  int exit_code = 0;
  std::string output;
  std::string error;
};

// Runs a program to its end.
Finished RunProcess(const std::vector<std::string>& argv,
                    const std::vector<std::string>& environment = {});

}  // namespace fathom
