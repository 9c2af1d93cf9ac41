#include "runtime/model/json_fields.h"

#include <cmath>
#include <set>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

using nlohmann::json;

constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxQuoted = 160;

// Watches the parser's events for what the DOM would hide or could not bear.
class StructureCheck {
 public:
  bool operator()(json::parse_event_t event, const json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
      case json::parse_event_t::array_start:
        if (keys_.size() >= kMaxDepth) Fail(absl::StrCat("nests deeper than ", kMaxDepth));
        keys_.emplace_back();
        break;
      case json::parse_event_t::object_end:
      case json::parse_event_t::array_end:
        keys_.pop_back();
        break;
      case json::parse_event_t::key:
        if (!keys_.back().insert(parsed.get_ref<const std::string&>()).second) {
          Fail(absl::StrCat("repeats the key ", QuoteJson(parsed)));
        }
        break;
      case json::parse_event_t::value:
        break;
    }
    return error_.empty();  // false discards: nothing more is kept after the first error
  }

  const std::string& error() const { return error_; }

 private:
  void Fail(std::string error) {
    if (error_.empty()) error_ = std::move(error);
  }

  std::vector<std::set<std::string>> keys_;  // of every object (or array) that is open
  std::string error_;
};

}  // namespace

absl::StatusOr<json> ParseJsonObject(std::string_view text) {
  StructureCheck check;
  json parsed;
  try {
    parsed = json::parse(text, [&check](int, json::parse_event_t event, json& value) {
      return check(event, value);
    });
  } catch (const json::parse_error& error) {
    // The parser's own text may quote bytes that are not UTF-8.
    return absl::InvalidArgumentError(absl::StrCat("not valid JSON at byte ", error.byte));
  } catch (const json::exception&) {
    return absl::InvalidArgumentError("not valid JSON: a number is out of range");
  }
  if (!check.error().empty()) {
    return absl::InvalidArgumentError(absl::StrCat("the JSON ", check.error()));
  }
  if (!parsed.is_object()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a JSON object, found ", parsed.type_name()));
  }
  return parsed;
}

std::string Quote(const std::string& text) {
  if (text.size() <= kMaxQuoted) return absl::StrCat("\"", absl::CHexEscape(text), "\"");
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, kMaxQuoted)), "…\"");
}

std::string QuoteJson(const json& value) {
  if (value.is_string()) return Quote(value.get_ref<const std::string&>());
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
  if (text.size() > kMaxQuoted) text = absl::StrCat(text.substr(0, kMaxQuoted), "…");
  return text;
}

const json* JsonFields::Find(const char* key) const {
  auto member = object_.find(key);
  return member == object_.end() || member->is_null() ? nullptr : &*member;
}

void JsonFields::Refuse(const char* key, const std::string& expected) {
  if (!status_.ok()) return;
  auto member = object_.find(key);
  status_ = absl::InvalidArgumentError(
      member == object_.end()
          ? absl::StrCat(key, " is missing, expected ", expected)
          : absl::StrCat(key, " is ", QuoteJson(*member), ", expected ", expected));
}

const json* JsonFields::Require(const char* key, bool has_fallback) {
  const json* member = Find(key);
  if (member == nullptr && !has_fallback) Refuse(key, "a value");
  return member;
}

int64_t JsonFields::Integer(const char* key, IntegerRange range, std::optional<int64_t> fallback) {
  const json* member = Require(key, fallback.has_value());
  if (member == nullptr) return fallback.value_or(range.first);
  // Unsigned numbers beyond int64 turn negative in get<int64_t>.
  const bool fits = member->is_number_integer() &&
                    (!member->is_number_unsigned() ||
                     member->get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX)) &&
                    member->get<int64_t>() >= range.first && member->get<int64_t>() <= range.last;
  if (!fits) {
    Refuse(key, absl::StrCat("an integer from ", range.first, " to ", range.last));
    return range.first;
  }
  return member->get<int64_t>();
}

double JsonFields::Number(const char* key, std::optional<double> fallback) {
  const json* member = Require(key, fallback.has_value());
  if (member == nullptr) return fallback.value_or(0);
  if (!member->is_number()) {
    Refuse(key, "a number");
    return 0;
  }
  return member->get<double>();
}

bool JsonFields::Boolean(const char* key, std::optional<bool> fallback) {
  const json* member = Require(key, fallback.has_value());
  if (member == nullptr) return fallback.value_or(false);
  if (!member->is_boolean()) {
    Refuse(key, "true or false");
    return false;
  }
  return member->get<bool>();
}

std::string JsonFields::String(const char* key, std::optional<std::string> fallback) {
  const json* member = Require(key, fallback.has_value());
  if (member == nullptr) return fallback.value_or("");
  if (!member->is_string()) {
    Refuse(key, "a string");
    return "";
  }
  return member->get<std::string>();
}

}  // namespace fathom
