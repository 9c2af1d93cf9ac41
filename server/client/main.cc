// fathom: the command-line client.
#include <CLI/CLI.hpp>

#include "server/client/commands.h"

namespace fathom {
namespace {

void AddCallFlags(CLI::App& app, ConnectionFlags& flags) {
  app.add_option("--timeout", flags.timeout_s, "seconds a call may take")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  app.add_flag("--json", flags.json, "print the server's message as JSON");
}

void AddConnectionFlags(CLI::App& app, ConnectionFlags& flags) {
  app.add_option("--address", flags.address, "HOST:PORT of the server")
      ->envname("FATHOM_ADDRESS")
      ->capture_default_str();
  AddCallFlags(app, flags);
}

// A server has no admin port unless told to, so none is assumed.
void AddAdminFlags(CLI::App& app, ConnectionFlags& flags) {
  app.add_option("--server", flags.address, "HOST:PORT of the server's admin port")
      ->envname("FATHOM_ADMIN_ADDRESS")
      ->required();
  AddCallFlags(app, flags);
}

void AddPredictFlags(CLI::App& app, PredictFlags& flags) {
  app.add_option("text", flags.texts, "texts to read");
  app.add_option("--pair", flags.pair, "second text, for tasks that read two; one for each text")
      ->allow_extra_args(false);
  app.add_option(
      "--file", flags.file,
      "read texts from a file, one a line, a tab before a second text; -: standard input");
  CLI::Option* task = app.add_option("--task", flags.tasks, "task to run; may be given again")
                          ->allow_extra_args(false);
  app.add_flag("--all-tasks", flags.all_tasks, "run every task of the server")->excludes(task);
  app.add_option("--skip-layers", flags.skip_layers,
                 "skip depth n; may be given again to compare; without it each task's default")
      ->allow_extra_args(false);
  app.add_flag("--allow-untrained-depth", flags.allow_untrained_depth,
               "permit an n that the adapter was not trained for");
  app.add_option("--top-k", flags.top_k, "show the k most probable labels");
  app.add_flag("--logits", flags.logits, "show the raw outputs");
}

// What the flags cannot say alone.
void CheckPredictFlags(const PredictFlags& flags) {
  if (flags.texts.empty() && flags.file.empty()) {
    throw CLI::ValidationError("give a text, or --file");
  }
  if (!flags.pair.empty() && flags.pair.size() != flags.texts.size()) {
    throw CLI::ValidationError("give --pair once for each text");
  }
  if (flags.tasks.empty() && !flags.all_tasks) {
    throw CLI::ValidationError("give --task, or --all-tasks");
  }
}

int Main(int argc, char** argv) {
  CLI::App app("Asks a fathom-server.", "fathom");
  app.set_version_flag("--version", "fathom " FATHOM_VERSION);
  app.require_subcommand(1);
  ConnectionFlags connection;
  PredictFlags predict_flags;
  CLI::App* predict = app.add_subcommand("predict", "run tasks on texts");
  AddPredictFlags(*predict, predict_flags);
  CLI::App* tasks = app.add_subcommand("tasks", "list the tasks, also those refused at load");
  CLI::App* info = app.add_subcommand("info", "tell what the server is");
  CLI::App* health = app.add_subcommand("health", "exit with 0 if the server is serving");
  for (CLI::App* command : {predict, tasks, info, health}) AddConnectionFlags(*command, connection);
  CLI::App* clear_cache =
      app.add_subcommand("clear-cache", "make a server forget what it kept of earlier texts");
  AddAdminFlags(*clear_cache, connection);
  predict->callback([&] { CheckPredictFlags(predict_flags); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (predict->parsed()) return RunPredict(connection, predict_flags);
  if (tasks->parsed()) return RunTasks(connection);
  if (info->parsed()) return RunInfo(connection);
  if (clear_cache->parsed()) return RunClearCache(connection);
  return RunHealth(connection);
}

}  // namespace
}  // namespace fathom

int main(int argc, char** argv) { return fathom::Main(argc, argv); }
