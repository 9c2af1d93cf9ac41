#include "server/config/settings.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/config/config_file.h"

namespace fathom {
namespace {

constexpr char kConfig[] = "--config";

std::string KeyOf(const CLI::Option& option) { return option.get_name().substr(2); }

std::string InEnvironment(const CLI::Option& option) {
  std::string name = "FATHOM_" + KeyOf(option);
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

std::string FromEnvironment(const CLI::Option& option) {
  const char* const value = std::getenv(InEnvironment(option).c_str());
  return value == nullptr ? "" : value;
}

bool IsSwitch(const CLI::Option& option) { return option.get_items_expected_max() == 0; }

// CLI11 takes any number for a switch.
bool IsBoolean(const std::string& value) {
  constexpr const char* kValues[] = {"true", "false", "on", "off", "yes", "no", "1", "0"};
  return std::find(std::begin(kValues), std::end(kValues), value) != std::end(kValues);
}

class Parser {
 public:
  Parser(CLI::App& app, const std::vector<std::string>& only_as_flags) : app_(app) {
    app.add_option(kConfig, "YAML file of these settings, by their names without the dashes");
    app.allow_extras();
    for (CLI::Option* option : app.get_options()) {
      if (option == app.get_help_ptr() || option == app.get_version_ptr()) continue;
      if (option->get_name() == kConfig) continue;
      const auto named = std::find(only_as_flags.begin(), only_as_flags.end(), option->get_name());
      (named == only_as_flags.end() ? settings_ : only_flags_).push_back(option);
    }
  }

  ParsedSettings Parse(int argc, const char* const* argv) {
    ParseCommandLine(argc, argv);
    if (parsed_.exit_code) return std::move(parsed_);
    ReadFile();
    for (CLI::Option* option : only_flags_) WriteValue(*option, option->get_name());
    for (CLI::Option* option : settings_) {
      TakeValue(*option);
      const std::string& source = source_[option];
      WriteValue(*option, source);
      parsed_.settings.push_back(
          {.name = KeyOf(*option), .value = ValueOf(*option), .source = source});
    }
    for (const CLI::Option* option : settings_) CheckTogether(*option);
    return std::move(parsed_);
  }

 private:
  // CLI11 stops at the first mistake, but not before it has read all arguments.
  void ParseCommandLine(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::RequiredError&) {  // looked at when all sources are known
    } catch (const CLI::ExcludesError&) {
    } catch (const CLI::ParseError& error) {
      if (AnswerQuestion()) return;
      AddError(error.what());
    }
    if (const std::vector<std::string> extras = app_.remaining(); !extras.empty()) {
      AddError(absl::StrCat("unknown arguments: ", absl::StrJoin(extras, " ")));
    }
  }

  // --help and --version, whatever else was wrong.
  bool AnswerQuestion() {
    for (CLI::Option* option : settings_) option->envname(InEnvironment(*option));
    app_.get_option(kConfig)->envname("FATHOM_CONFIG");
    if (app_.get_help_ptr()->count() > 0) {
      parsed_.exit_code = app_.exit(CLI::CallForHelp());
    } else if (app_.get_version_ptr() != nullptr && app_.get_version_ptr()->count() > 0) {
      parsed_.exit_code = app_.exit(CLI::CallForVersion(app_.version(), 0));
    }
    return parsed_.exit_code.has_value();
  }

  void ReadFile() {
    const CLI::Option& config = *app_.get_option(kConfig);
    const std::string path = config.count() > 0 ? config.results().back() : FromEnvironment(config);
    if (path.empty()) return;
    ConfigFile file = ReadConfigFile(path);
    for (std::string& error : file.errors) AddError(std::move(error));
    for (ConfigEntry& entry : file.entries) {
      const bool known =
          std::any_of(settings_.begin(), settings_.end(),
                      [&](const CLI::Option* option) { return KeyOf(*option) == entry.key; });
      std::string place = absl::StrCat(path, ":", entry.line);
      if (!known) AddError(absl::StrCat(place, ": unknown key ", entry.key, "; see --help"));
      std::string key = entry.key;
      file_.emplace(std::move(key), std::make_pair(std::move(entry.value), std::move(place)));
    }
  }

  // From the first source that has one.
  void TakeValue(CLI::Option& option) {
    std::string& source = source_[&option];
    source = option.get_name();
    if (option.count() > 0) return;
    std::string value = FromEnvironment(option);
    const auto in_file = file_.find(KeyOf(option));
    if (!value.empty()) {
      source = InEnvironment(option);
    } else if (in_file != file_.end()) {
      std::tie(value, source) = in_file->second;
    } else {
      source = "default";
      return;
    }
    if (IsSwitch(option) && !IsBoolean(value)) {
      AddError(absl::StrCat(source, ": ", option.get_name(), " is true or false, not ", value));
    } else {
      option.add_result(value);
    }
  }

  void WriteValue(CLI::Option& option, const std::string& source) {
    try {
      if (option.count() > 0) option.run_callback();
    } catch (const CLI::ParseError& error) {
      const bool from_flag = source == option.get_name();
      AddError(from_flag ? error.what() : absl::StrCat(source, ": ", error.what()));
    }
  }

  static std::string ValueOf(const CLI::Option& option) {
    if (option.count() > 0) return option.results().back();
    return IsSwitch(option) ? "false" : option.get_default_str();
  }

  void CheckTogether(const CLI::Option& option) {
    if (option.get_required() && option.count() == 0) {
      AddError(absl::StrCat(option.get_name(), " is required"));
    }
    if (option.count() == 0) return;
    for (const CLI::Option* other : option.get_excludes()) {
      if (other->count() == 0 || option.get_name() > other->get_name()) continue;  // said once
      AddError(absl::StrCat(Placed(option), " and ", Placed(*other), " exclude each other"));
    }
  }

  // The option's name, and where it was given if not as a flag.
  std::string Placed(const CLI::Option& option) {
    const std::string& source = source_[&option];
    if (source == option.get_name()) return source;
    return absl::StrCat(option.get_name(), " (", source, ")");
  }

  // CLI11 may find a mistake of the command line twice: when it parses, and when it converts.
  void AddError(std::string error) {
    std::vector<std::string>& errors = parsed_.errors;
    if (std::count(errors.begin(), errors.end(), error) == 0) errors.push_back(std::move(error));
  }

  CLI::App& app_;
  std::vector<CLI::Option*> settings_;
  std::vector<CLI::Option*> only_flags_;
  std::map<std::string, std::pair<std::string, std::string>> file_;  // key: value, place
  std::map<const CLI::Option*, std::string> source_;
  ParsedSettings parsed_;
};

}  // namespace

ParsedSettings ParseSettings(CLI::App& app, int argc, const char* const* argv,
                             const std::vector<std::string>& only_as_flags) {
  return Parser(app, only_as_flags).Parse(argc, argv);
}

std::string SettingsAsYaml(const std::vector<Setting>& settings) {
  std::string yaml;
  for (const Setting& setting : settings) {
    YAML::Emitter value;
    value << setting.value;
    const std::string text = setting.value.empty() ? "\"\"" : value.c_str();
    absl::StrAppend(&yaml, setting.name, ": ", text, "  # ", setting.source, "\n");
  }
  return yaml;
}

}  // namespace fathom
