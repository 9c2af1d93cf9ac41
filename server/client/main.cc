// fathom: the command-line client.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "server/client/commands.h"

namespace fathom {
namespace {

int Main(int argc, char** argv) {
  CLI::App app("Asks a fathom-server.", "fathom");
  app.set_version_flag("--version", "fathom " FATHOM_VERSION);
  app.require_subcommand(1);
  Chosen chosen;
  AddPredictCommand(app, chosen);
  AddEmbedCommand(app, chosen);
  AddTokenizeCommand(app, chosen);
  AddTasksCommand(app, chosen);
  AddInfoCommand(app, chosen);
  AddHealthCommand(app, chosen);
  AddAdminCommand(app, chosen);
  AddLoadCommand(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return chosen();
}

}  // namespace
}  // namespace fathom

int main(int argc, char** argv) { return fathom::Main(argc, argv); }
