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

}  // namespace

std::optional<ServerFlags> ParseServerFlags(int argc, const char* const* argv, int* exit_code) {
  ServerFlags flags;
  flags.server.version = FATHOM_VERSION;
  SchedulerOptions& scheduler = flags.server.scheduler;
  RequestLimits& limits = flags.server.limits;

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
  app.add_option("--device", flags.engine.device)->check(CLI::IsMember({"cpu", "cuda"}));
  app.add_option("--threads", flags.engine.threads, "for the encoder; 0: all cores")
      ->check(CLI::Range(0, 4096));
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
  app.add_option("--port-file", flags.port_file,
                 "when ready, write the ports there as JSON: {\"grpc\": …, \"metrics\": …}");
  NameInEnvironment(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    *exit_code = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  return flags;
}

}  // namespace fathom
