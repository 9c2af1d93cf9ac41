#include "server/flags.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "server/config/validators.h"

namespace fathom {
namespace {

// Flags of the engine that are not written as its options are.
struct EngineInput {
  int threads_per_worker = 0;
  int64_t tap_cache_mb = 256;
  int64_t answer_cache_mb = 0;
  int64_t adapter_cache_mb = 2048;
  std::string precision = "fp32";

  void Write(EngineOptions& options) const {
    if (threads_per_worker > 0) options.threads = options.workers * threads_per_worker;
    options.caches.tap_bytes = tap_cache_mb << 20;
    options.caches.answer_bytes = answer_cache_mb << 20;
    options.adapter_bytes = adapter_cache_mb << 20;
    options.precision = precision == "bf16"   ? Precision::kBf16
                        : precision == "auto" ? Precision::kAuto
                                              : Precision::kFp32;
  }
};

void AddEngineFlags(CLI::App& app, EngineOptions& options, EngineInput& input) {
  constexpr int64_t kMaxMb = int64_t{1} << 24;
  app.add_option("--precision", input.precision,
                 "of the encoder's GEMMs; auto: the faster one on this CPU, measured at the start")
      ->check(CLI::IsMember({"fp32", "bf16", "auto"}));
  CLI::Option* threads =
      app.add_option("--threads", options.threads, "for the encoder; 0: all cores")
          ->check(CLI::Range(0, 4096));
  app.add_option(
         "--workers", options.workers,
         "passes that may run at once; each has its share of the threads, one that is alone "
         "has all of them")
      ->check(CLI::Range(1, 256));
  app.add_option("--threads-per-worker", input.threads_per_worker,
                 "in place of --threads, which is then --workers times this; 0: not given")
      ->check(CLI::Range(0, 4096))
      ->excludes(threads);
  app.add_option("--tap-cache-mb", input.tap_cache_mb,
                 "memory for lower-layer states of texts that may come again; 0: off")
      ->check(CLI::Range(int64_t{0}, kMaxMb));
  app.add_flag("--bf16-taps", options.caches.bf16_taps,
               "keep those states in half the memory; answers from them are less exact");
  app.add_option("--answer-cache-mb", input.answer_cache_mb,
                 "memory for finished answers by text, task and n; 0: off")
      ->check(CLI::Range(int64_t{0}, kMaxMb));
  app.add_option("--adapter-cache-mb", input.adapter_cache_mb,
                 "memory for weights of adapters; those used least recently are read again when "
                 "they are wanted")
      ->check(CLI::Range(int64_t{1}, kMaxMb));
  app.add_option("--calibration-dir", options.calibration_dir,
                 "where measurements of this machine are kept between starts; empty: "
                 "~/.cache/fathom/calibration; \"none\": measured at each start; \"off\": not "
                 "measured");
}

void AddQueueFlags(CLI::App& app, SchedulerOptions& options) {
  constexpr int64_t kMost = int64_t{1} << 40;
  constexpr double kDayMs = 86'400'000;
  app.add_option("--max-queue-requests", options.max_queue_requests, "calls that may wait")
      ->check(CLI::Range(int64_t{1}, kMost));
  app.add_option("--max-queue-tokens", options.max_queue_rows,
                 "tokens that may wait; a token counts once for each task of its text")
      ->check(CLI::Range(int64_t{1}, kMost));
  app.add_option("--max-queue-ms", options.max_queue_ms,
                 "longest predicted wait of a call that is accepted; 0: no limit")
      ->check(NumberIn(0, kDayMs));
  app.add_option("--max-batch-tokens", options.max_batch_rows,
                 "tokens in one pass, counted alike; at least the encoder's longest text")
      ->check(CLI::Range(int64_t{1}, kMost));
  app.add_option("--max-pass-ms", options.max_pass_ms,
                 "predicted time at which a pass is cut; 0: no limit")
      ->check(NumberIn(0, kDayMs));
  app.add_option("--ageing-ms", options.ageing_ms,
                 "wait that raises a call's priority by one level")
      ->check(NumberIn(1, kDayMs));
}

void AddDepthFlags(CLI::App& app, TaskDepthPolicy& options) {
  app.add_flag("--brownout", options.brownout,
               "let n of calls that leave it to the server rise while the queue is long");
  app.add_option("--quality-floor", options.quality_floor,
                 "share of the score at n = 0 that such an n keeps, by the task's profile")
      ->check(NumberIn(0, 1));
  app.add_option("--shadow-ratio", options.shadow_ratio,
                 "share of answers at a risen n that are compared with n = 0; 0: none")
      ->check(NumberIn(0, 1));
}

void AddPortFlags(CLI::App& app, ServerOptions& options) {
  constexpr int kMostSeconds = 1'000'000;
  app.add_option("--listen", options.listen, "for gRPC; port 0 takes a free one")
      ->check(Address(/*may_be_empty=*/false));
  app.add_option("--metrics-listen", options.metrics_listen, "for Prometheus; empty: none")
      ->check(Address(/*may_be_empty=*/true));
  app.add_option("--admin-listen", options.admin_listen,
                 "for AdminService, for the operator alone; empty: none")
      ->check(Address(/*may_be_empty=*/true));
  app.add_option("--admin-token-file", options.admin_token_file,
                 "file with the token that AdminService asks for; empty: none");
  ConnectionOptions& connections = options.connections;
  app.add_option("--keepalive-seconds", connections.keepalive_seconds,
                 "silence after which a client is pinged")
      ->check(CLI::Range(1, kMostSeconds));
  app.add_option("--keepalive-timeout-seconds", connections.keepalive_timeout_seconds,
                 "wait for its answer, then the connection is closed")
      ->check(CLI::Range(1, kMostSeconds));
  app.add_option("--max-connection-age-seconds", connections.max_age_seconds,
                 "age at which connections are closed, so that clients look for servers anew; 0: "
                 "none")
      ->check(CLI::Range(0, kMostSeconds));
}

void AddLimitFlags(CLI::App& app, RequestLimits& limits) {
  app.add_option("--max-inputs", limits.max_inputs, "inputs a call")->check(CLI::Range(1, 65536));
  app.add_option("--max-tasks", limits.max_tasks, "tasks a call")->check(CLI::Range(1, 65536));
  app.add_option("--max-message-bytes", limits.max_message_bytes, "size of a call")
      ->check(CLI::Range(1024, 1 << 30));
}

void AddObservingFlags(CLI::App& app, ServerFlags& flags) {
  constexpr double kDayMs = 86'400'000;
  app.add_option("--metrics-max-tasks", flags.server.metrics_max_tasks,
                 "tasks that metrics tell apart, the first ones; the rest is \"other\"")
      ->check(CLI::Range(0, 10'000));
  app.add_option("--log-format", flags.log_format)->check(CLI::IsMember({"text", "json"}));
  app.add_option("--log-level", flags.log_level, "of the least important lines that are written")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  app.add_option("--slow-call-ms", flags.server.call_log.slow_call_ms,
                 "calls that take longer are logged; 0: none")
      ->check(NumberIn(0, kDayMs));
}

void AddServerFlags(CLI::App& app, ServerFlags& flags) {
  constexpr int kDaySeconds = 86'400;
  flags.server.poll_tasks_seconds = 5;
  app.add_option("--poll-tasks-seconds", flags.server.poll_tasks_seconds,
                 "how often the folder of adapters is looked at for changes; 0: never")
      ->check(CLI::Range(0, kDaySeconds));
  app.add_option("--drain-timeout-seconds", flags.drain_timeout_seconds,
                 "longest wait, after SIGTERM, for the answers to accepted calls")
      ->check(CLI::Range(1, kDaySeconds));
  app.add_option(
      "--port-file", flags.port_file,
      "when ready, write the ports there as JSON: {\"grpc\": …, \"metrics\": …, \"admin\": …}");
  app.add_flag("--check-config", flags.check_config,
               "print the settings and what is wrong with them, load nothing, and end");
}

// What one option alone cannot tell.
void CheckTogether(const ServerFlags& flags, std::vector<std::string>& errors) {
  const SchedulerOptions& scheduler = flags.server.scheduler;
  if (scheduler.max_queue_rows < scheduler.max_batch_rows) {
    errors.push_back(absl::StrCat("--max-queue-tokens is ", scheduler.max_queue_rows,
                                  "; it must be at least --max-batch-tokens, ",
                                  scheduler.max_batch_rows));
  }
}

void PrintErrors(const std::vector<std::string>& errors) {
  std::cerr << "fathom-server: " << errors.size() << (errors.size() == 1 ? " mistake" : " mistakes")
            << " in the configuration:\n";
  for (const std::string& error : errors) std::cerr << "  " << error << "\n";
}

}  // namespace

std::optional<ServerFlags> ParseServerFlags(int argc, const char* const* argv, int* exit_code) {
  ServerFlags flags;
  flags.server.version = FATHOM_VERSION;
  EngineInput engine;

  CLI::App app("Serves many task adapters on one encoder, each request choosing its skip depth.",
               "fathom-server");
  app.set_version_flag("--version", "fathom-server " FATHOM_VERSION);
  app.option_defaults()->always_capture_default();
  app.add_option("--encoder", flags.engine.encoder_dir, "Hugging Face folder of the encoder")
      ->required();
  app.add_option("--adapters", flags.engine.tasks_dir,
                 "folder whose sub-folders are tasks; without it none are served");
  app.add_option("--device", flags.engine.device)->check(CLI::IsMember({"cpu", "cuda"}));
  AddEngineFlags(app, flags.engine, engine);
  AddPortFlags(app, flags.server);
  AddQueueFlags(app, flags.server.scheduler);
  AddDepthFlags(app, flags.server.depth);
  AddLimitFlags(app, flags.server.limits);
  AddObservingFlags(app, flags);
  AddServerFlags(app, flags);

  ParsedSettings parsed = ParseSettings(app, argc, argv, {"--check-config"});
  if (parsed.exit_code) {
    *exit_code = *parsed.exit_code;
    return std::nullopt;
  }
  CheckTogether(flags, parsed.errors);
  if (!parsed.errors.empty()) {
    PrintErrors(parsed.errors);
    *exit_code = flags.check_config ? 1 : 2;
    return std::nullopt;
  }
  engine.Write(flags.engine);
  flags.settings = std::move(parsed.settings);
  return flags;
}

}  // namespace fathom
