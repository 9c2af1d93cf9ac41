// The program's log: one line an event on the standard error, as text or as JSON.
#pragma once

#include <spdlog/common.h>

#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace fathom {

struct LogOptions {
  std::string format = "text";  // "text", "json"
  std::string level = "info";   // "debug", "info", "warn", "error": lines below are not written
};

// Sets spdlog's default logger. A JSON line has time, level, message, and an event's fields.
void InitLog(const LogOptions& options);

// A value of an event: a number is written as one.
struct LogField {
  std::string_view name;
  std::string text;  // where `is_number` is false
  double number = 0;
  bool is_number = false;

  static LogField Text(std::string_view name, std::string text);
  static LogField Number(std::string_view name, double number);
};

// Any thread. In text the fields follow the message as name=value.
void LogEvent(spdlog::level::level_enum level, const std::string& message,
              absl::Span<const LogField> fields);

}  // namespace fathom
