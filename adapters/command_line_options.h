// Options that several subcommands of fathom-train have, and how a command line is parsed. For the
// files that define options only: it brings in CLI11.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "adapters/command_line.h"
#include "adapters/data/dataset.h"
#include "adapters/metrics.h"

namespace fathom::training {

// An option whose value is one of `choices`, by name; CLI11 lists them in help and errors.
template <typename T, typename Target>
CLI::Option* AddChoice(CLI::App& app, const std::string& flag, Target& target,
                       const std::map<std::string, T>& choices) {
  std::vector<std::string> names;
  for (const auto& [name, value] : choices) names.push_back(name);
  return app
      .add_option_function<std::string>(
          flag, [&target, &choices](const std::string& name) { target = choices.at(name); })
      ->check(CLI::IsMember(names))
      ->option_text(absl::StrJoin(names, "|"));
}

void AddEncoder(CLI::App& app, std::string& encoder_dir);
// --text-column, --pair-column, --label-column, --max-tokens.
void AddColumns(CLI::App& app, ColumnNames& columns, int& max_tokens);
CLI::Option* AddMetric(CLI::App& app, std::optional<Metric>& metric);
void AddThreads(CLI::App& app, int& threads);

// `options` is where the app's options write to.
template <typename Options>
Parsed<Options> Parse(CLI::App& app, const Options& options, int argc, const char* const* argv) {
  Parsed<Options> parsed;
  try {
    app.parse(argc, argv);
    parsed.options = options;
  } catch (const CLI::ParseError& error) {
    std::ostringstream text;
    parsed.exit_code = app.exit(error, text, text);
    parsed.text = text.str();
  }
  return parsed;
}

}  // namespace fathom::training
