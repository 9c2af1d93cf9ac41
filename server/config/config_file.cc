#include "server/config/config_file.h"

#include <yaml-cpp/yaml.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

constexpr size_t kMaxBytes = 1 << 20;

std::optional<std::string> ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof())) return std::nullopt;  // a folder is bad too
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

int LineOf(const YAML::Mark& mark) { return mark.is_null() ? 1 : mark.line + 1; }

class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {}

  ConfigFile Read(const std::string& text) {
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return std::move(file_);
    if (!root.IsMap()) {
      AddError(LineOf(root.Mark()), "not a map of settings, such as \"workers: 4\"");
      return std::move(file_);
    }
    for (const auto& pair : root) ReadEntry(pair.first, pair.second);
    return std::move(file_);
  }

  void AddError(int line, const std::string& what) {
    file_.errors.push_back(absl::StrCat(path_, ":", line, ": ", what));
  }

  ConfigFile TakeFile() { return std::move(file_); }

 private:
  void ReadEntry(const YAML::Node& key, const YAML::Node& value) {
    const int line = LineOf(key.Mark());
    if (!key.IsScalar()) return AddError(line, "a key must be a single name");
    const std::string& name = key.Scalar();
    if (!seen_.insert(name).second) return AddError(line, name + " is given twice");
    if (value.IsNull()) return AddError(line, name + " has no value; write \"\" for an empty one");
    if (!value.IsScalar()) {
      return AddError(line, name + " must be a single value, not a list or a map");
    }
    file_.entries.push_back({.key = name, .value = value.Scalar(), .line = line});
  }

  const std::string path_;
  std::set<std::string> seen_;
  ConfigFile file_;
};

}  // namespace

ConfigFile ReadConfigFile(const std::string& path) {
  const std::optional<std::string> text = ReadWhole(path);
  if (!text) return {.entries = {}, .errors = {path + ": cannot be read"}};
  if (text->size() > kMaxBytes) {
    return {.entries = {}, .errors = {absl::StrCat(path, ": over ", kMaxBytes, " bytes")}};
  }
  Reader reader(path);
  try {
    return reader.Read(*text);
  } catch (const YAML::Exception& error) {
    reader.AddError(LineOf(error.mark), absl::StrCat("not YAML: ", error.msg));
  } catch (const std::exception& error) {
    reader.AddError(1, absl::StrCat("not YAML: ", error.what()));
  }
  return reader.TakeFile();
}

}  // namespace fathom
