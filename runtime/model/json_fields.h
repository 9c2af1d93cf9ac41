// Reading JSON that is not trusted: a strict parser, and typed reads of an object's members whose
// errors name the key and its value. Plain values, no Torch.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace fathom {

// INVALID_ARGUMENT if the text is not one JSON object, repeats a key, or nests deeper than a config
// has reason to. NaN, infinities and numbers that overflow a double are no JSON.
absl::StatusOr<nlohmann::json> ParseJsonObject(std::string_view text);

// A name or a value of a file, quoted for a message: escaped to ASCII and cut if long.
std::string Quote(const std::string& text);
std::string QuoteJson(const nlohmann::json& value);

// Inclusive bounds of a member.
struct IntegerRange {
  int64_t first = 0;
  int64_t last = std::numeric_limits<int32_t>::max();
};

// Reads members of one object and keeps the first error, so that a config is read as a list of
// fields and checked once. A member that is null counts as absent; one that is absent takes the
// fallback, and is an error where no fallback is given. The object must outlive the reader.
class JsonFields {
 public:
  explicit JsonFields(const nlohmann::json& object) : object_(object) {}

  int64_t Integer(const char* key, IntegerRange range, std::optional<int64_t> fallback = {});
  double Number(const char* key, std::optional<double> fallback = {});
  bool Boolean(const char* key, std::optional<bool> fallback = {});
  std::string String(const char* key, std::optional<std::string> fallback = {});

  // Null if the member is absent.
  const nlohmann::json* Find(const char* key) const;
  // For errors that the caller sees: "<key> is <value>, expected <expected>".
  void Refuse(const char* key, const std::string& expected);

  const absl::Status& status() const { return status_; }

 private:
  const nlohmann::json* Require(const char* key, bool has_fallback);

  const nlohmann::json& object_;
  absl::Status status_;
};

}  // namespace fathom
