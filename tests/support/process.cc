#include "tests/support/process.h"

#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace fathom {
namespace {

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& s : strings) pointers.push_back(const_cast<char*>(s.c_str()));
  return pointers;
}

// Appends what can be read; closes the end at its end.
void ReadInto(int& fd, std::string& text) {
  std::array<char, 4096> buffer;
  const ssize_t count = read(fd, buffer.data(), buffer.size());
  if (count > 0) {
    text.append(buffer.data(), static_cast<size_t>(count));
  } else {
    close(fd);
    fd = -1;
  }
}

}  // namespace

Process::Process(const std::vector<std::string>& argv,
                 const std::vector<std::string>& environment) {
  std::array<int, 2> output{};
  std::array<int, 2> error{};
  if (pipe(output.data()) != 0 || pipe(error.data()) != 0) throw std::runtime_error("pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, error[1], STDERR_FILENO);
  for (const int fd : {output[0], output[1], error[0], error[1]}) {
    posix_spawn_file_actions_addclose(&actions, fd);
  }
  std::vector<char*> arguments = Pointers(argv);
  arguments.push_back(nullptr);
  std::vector<char*> variables = Pointers(environment);
  for (char** variable = environ; *variable != nullptr; ++variable) variables.push_back(*variable);
  variables.push_back(nullptr);
  const int failed =
      posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), variables.data());
  posix_spawn_file_actions_destroy(&actions);
  close(output[1]);
  close(error[1]);
  output_fd_ = output[0];
  error_fd_ = error[0];
  if (failed != 0) throw std::runtime_error("cannot start " + argv[0]);
}

Process::~Process() {
  if (pid_ > 0) {
    Signal(SIGKILL);
    Wait();
  }
}

bool Process::ReadSome() {
  std::array<pollfd, 2> ends = {pollfd{output_fd_, POLLIN, 0}, pollfd{error_fd_, POLLIN, 0}};
  if (output_fd_ < 0 && error_fd_ < 0) return false;
  poll(ends.data(), ends.size(), -1);
  if (ends[0].revents != 0) ReadInto(output_fd_, output_);
  if (ends[1].revents != 0) ReadInto(error_fd_, error_);
  return true;
}

bool Process::AwaitError(const std::string& text) {
  while (error_.find(text) == std::string::npos) {
    if (!ReadSome()) return false;
  }
  return true;
}

void Process::Signal(int signal) const { kill(pid_, signal); }

int Process::Wait() {
  while (ReadSome()) {
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Finished RunProcess(const std::vector<std::string>& argv,
                    const std::vector<std::string>& environment) {
  Process process(argv, environment);
  const int exit_code = process.Wait();
  return {.exit_code = exit_code, .output = process.output(), .error = process.error()};
}

}  // namespace fathom
