#include "server/flags.h"

#include <CLI/CLI.hpp>

namespace fathom {
namespace {

// Every flag can come from the environment too: --max-queue-tokens as FATHOM_MAX_QUEUE_TOKENS.
void NameInEnvironment(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    std::string name = option->get_name();
    if (name == "--help" || name == "--version") continue;
    name = "FATHOM_" + name.substr(2);
    for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
    option->envname(name);
  }
}

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

}  // namespace

std::optional<ServerFlags> ParseServerFlags(int argc, const char* const* argv, int* exit_code) {
  ServerFlags flags;
  flags.server.version = FATHOM_VERSION;
  SchedulerOptions& scheduler = flags.server.scheduler;
  RequestLimits& limits = flags.server.limits;

  EngineInput engine;

  CLI::App app("Serves many task adapters on one encoder, each request choosing its skip depth.",
               "fathom-server");
  app.set_version_flag("--version", "fathom-server " FATHOM_VERSION);
  app.option_defaults()->always_capture_default();
  app.add_option("--encoder", flags.engine.encoder_dir, "Hugging Face folder of the encoder")
      ->required();
  app.add_option("--adapters", flags.engine.tasks_dir,
                 "folder whose sub-folders are tasks; without it none are served");
  app.add_option("--listen", flags.server.listen, "HOST:PORT for gRPC; port 0 takes a free one");
  app.add_option("--metrics-listen", flags.server.metrics_listen,
                 "HOST:PORT for Prometheus; empty: none");
  app.add_option("--admin-listen", flags.server.admin_listen,
                 "HOST:PORT for AdminService, for the operator alone; empty: none");
  app.add_option("--device", flags.engine.device)->check(CLI::IsMember({"cpu", "cuda"}));
  AddEngineFlags(app, flags.engine, engine);
  app.add_option("--max-queue-requests", scheduler.max_queue_requests, "calls that may wait");
  app.add_option("--max-queue-tokens", scheduler.max_queue_rows,
                 "tokens that may wait; a token counts once for each task of its text");
  app.add_option("--max-batch-tokens", scheduler.max_batch_rows,
                 "tokens in one pass, counted alike; at least the encoder's longest text");
  app.add_option("--max-inputs", limits.max_inputs, "inputs a call")->check(CLI::Range(1, 65536));
  app.add_option("--max-tasks", limits.max_tasks, "tasks a call")->check(CLI::Range(1, 65536));
  app.add_option("--max-message-bytes", limits.max_message_bytes, "size of a call")
      ->check(CLI::Range(1024, 1 << 30));
  app.add_option("--log-format", flags.log_format)->check(CLI::IsMember({"text", "json"}));
  app.add_option(
      "--port-file", flags.port_file,
      "when ready, write the ports there as JSON: {\"grpc\": …, \"metrics\": …, \"admin\": …}");
  NameInEnvironment(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    *exit_code = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  engine.Write(flags.engine);
  return flags;
}

}  // namespace fathom
