// What `fathom` does: one function a sub-command, which adds it with its flags to the command line.
// When the sub-command is given, `chosen` becomes what runs it: it writes to the standard output
// and returns the exit code, 0, or 1 with the error on the standard error. A mistake in the flags
// is thrown as CLI::ParseError while the command line is parsed.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace fathom {

using Chosen = std::function<int()>;

void AddPredictCommand(CLI::App& app, Chosen& chosen);
void AddEmbedCommand(CLI::App& app, Chosen& chosen);
void AddTokenizeCommand(CLI::App& app, Chosen& chosen);
void AddTasksCommand(CLI::App& app, Chosen& chosen);
void AddInfoCommand(CLI::App& app, Chosen& chosen);
void AddHealthCommand(CLI::App& app, Chosen& chosen);  // 0 only if serving
void AddAdminCommand(CLI::App& app, Chosen& chosen);   // with sub-commands of its own
void AddLoadCommand(CLI::App& app, Chosen& chosen);

}  // namespace fathom
