// fathom-server: loads an encoder and its tasks, serves them, and drains on SIGTERM or SIGINT.
#include <google/protobuf/stubs/logging.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/flags.h"
#include "server/grpc/server.h"
#include "server/log.h"

namespace fathom {
namespace {

// Blocks the signals that end the program, in this thread and all that it starts.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// From here on, one more signal ends the program without a wait, and so does the end of
// `timeout_seconds`.
void ExitOnNextSignal(const sigset_t& signals, int timeout_seconds) {
  struct sigaction action = {};
  action.sa_handler = [](int signal) {
    constexpr char kLate[] = "--drain-timeout-seconds is over: ending with calls unanswered\n";
    if (signal == SIGALRM) static_cast<void>(!write(STDERR_FILENO, kLate, sizeof(kLate) - 1));
    _exit(128 + signal);
  };
  for (const int signal : {SIGTERM, SIGINT, SIGALRM}) sigaction(signal, &action, nullptr);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  alarm(static_cast<unsigned>(timeout_seconds));
}

void LogSettings(const std::vector<Setting>& settings) {
  for (const Setting& setting : settings) {
    LogEvent(spdlog::level::info, "setting",
             {LogField::Text("name", setting.name), LogField::Text("value", setting.value),
              LogField::Text("source", setting.source)});
  }
}

// Weight files of tasks are held open, and every connection is a file.
void RaiseFileLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Whole or not at all: a reader that sees the file can read it.
absl::Status WritePortFile(const std::string& path, const Server& server) {
  const std::string unfinished = path + ".tmp";
  std::ofstream file(unfinished);
  file << nlohmann::json{{"grpc", server.port()},
                         {"metrics", server.metrics_port()},
                         {"admin", server.admin_port()}}
       << "\n";
  file.close();
  if (!file || std::rename(unfinished.c_str(), path.c_str()) != 0) {
    return absl::UnavailableError(absl::StrCat("cannot write --port-file ", path));
  }
  return absl::OkStatus();
}

void LogStart(const Server& server) {
  const EncoderInfo& encoder = server.engine().encoder();
  int loaded = 0;
  for (const TaskInfo& task : server.engine().ListTasks()) {
    if (task.load_status.ok()) {
      ++loaded;
    } else {
      spdlog::warn("task {} version {} is refused: {}", task.name, task.version,
                   task.load_status.ToString());
    }
  }
  spdlog::info("encoder {}: {} layers of width {}, {} on {}; {} tasks", encoder.name,
               encoder.layers, encoder.hidden_size, encoder.precision, encoder.device, loaded);
  if (server.admin_port() != 0) spdlog::info("admin port {}", server.admin_port());
  const CalibrationReport& calibration = server.engine().calibration();
  for (const absl::string_view line : absl::StrSplit(calibration.gemms, '\n', absl::SkipEmpty())) {
    spdlog::info("GEMM {}", std::string(line));
  }
  spdlog::info("calibration: {}", calibration.from_file
                                      ? std::string("from an earlier start")
                                      : fmt::format("{:.1f} s", calibration.seconds));
  spdlog::info("ready: grpc port {}, metrics port {}", server.port(), server.metrics_port());
}

int Run(const ServerFlags& flags) {
  // libprotobuf would write a line for each message with bytes that are not UTF-8; the client is told.
  google::protobuf::SetLogHandler(nullptr);
  InitLog({.format = flags.log_format, .level = flags.log_level});
  LogSettings(flags.settings);
  const sigset_t signals = BlockSignals();
  RaiseFileLimit();

  absl::StatusOr<std::unique_ptr<Engine>> engine = CreateEngine(flags.engine);
  if (!engine.ok()) {
    spdlog::error("cannot load: {}", engine.status().ToString());
    return 1;
  }
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(*std::move(engine), flags.server);
  if (!server.ok()) {
    spdlog::error("cannot serve: {}", server.status().ToString());
    return 1;
  }
  if (!flags.port_file.empty()) {
    if (const absl::Status written = WritePortFile(flags.port_file, **server); !written.ok()) {
      spdlog::error("{}", written.ToString());
      return 1;
    }
  }
  LogStart(**server);

  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("{}: draining; one more signal ends at once",
               signal == SIGTERM ? "SIGTERM" : "SIGINT");
  ExitOnNextSignal(signals, flags.drain_timeout_seconds);
  (*server)->Drain();
  spdlog::info("every call accepted has been answered");
  return 0;
}

}  // namespace
}  // namespace fathom

int main(int argc, char** argv) {
  int exit_code = 0;
  const auto flags = fathom::ParseServerFlags(argc, argv, &exit_code);
  if (!flags) return exit_code;
  if (!flags->check_config) return fathom::Run(*flags);
  std::fputs(fathom::SettingsAsYaml(flags->settings).c_str(), stdout);
  return 0;
}
