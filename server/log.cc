#include "server/log.h"

#include <google/protobuf/stubs/logging.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

// Of the event that this thread logs: the sinks are synchronous, so the formatter sees them.
thread_local absl::Span<const LogField> current_fields;

std::string Quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void Append(const std::string& text, spdlog::memory_buf_t& out) {
  out.append(text.data(), text.data() + text.size());
}

// %*: the message as a JSON string, quotes and escapes included, then the fields.
class JsonMessageFlag : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
              spdlog::memory_buf_t& out) override {
    Append(Quoted(std::string(message.payload.data(), message.payload.size())), out);
    for (const LogField& field : current_fields) {
      Append(
          absl::StrCat(",", Quoted(std::string(field.name)), ":",
                       field.is_number ? nlohmann::json(field.number).dump() : Quoted(field.text)),
          out);
    }
  }

  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessageFlag>();
  }
};

// %*: the fields as name=value. Nothing that a client wrote can begin a line of its own.
class TextFieldsFlag : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& /*message*/, const std::tm& /*time*/,
              spdlog::memory_buf_t& out) override {
    for (const LogField& field : current_fields) {
      Append(absl::StrCat(" ", std::string(field.name), "="), out);
      if (field.is_number) {
        Append(absl::StrCat(field.number), out);
      } else {
        const bool plain = field.text.find_first_of(" \"=") == std::string::npos;
        const std::string text = absl::CHexEscape(field.text);
        Append(plain ? text : absl::StrCat("\"", text, "\""), out);
      }
    }
  }

  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<TextFieldsFlag>();
  }
};

// Protobuf reports a client's malformed message as an error of ours.
void LogProtobuf(google::protobuf::LogLevel level, const char* /*file*/, int /*line*/,
                 const std::string& message) {
  if (level == google::protobuf::LOGLEVEL_FATAL) {
    spdlog::critical("protobuf: {}", message);
  } else {
    spdlog::debug("protobuf: {}", message);
  }
}

}  // namespace

void InitLog(const LogOptions& options) {
  auto logger = std::make_shared<spdlog::logger>(
      "fathom", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  const bool json = options.format == "json";
  auto formatter = std::make_unique<spdlog::pattern_formatter>(
      json ? spdlog::pattern_time_type::utc : spdlog::pattern_time_type::local);
  if (json) {
    formatter->add_flag<JsonMessageFlag>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%*})");
  } else {
    formatter->add_flag<TextFieldsFlag>('*').set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v%*");
  }
  logger->set_formatter(std::move(formatter));
  logger->set_level(spdlog::level::from_str(options.level));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  google::protobuf::SetLogHandler(&LogProtobuf);
}

LogField LogField::Text(std::string_view name, std::string text) {
  LogField field{.name = name, .text = std::move(text)};
  return field;
}

LogField LogField::Number(std::string_view name, double number) {
  LogField field{.name = name, .text = {}, .number = number, .is_number = true};
  return field;
}

void LogEvent(spdlog::level::level_enum level, const std::string& message,
              absl::Span<const LogField> fields) {
  if (!spdlog::should_log(level)) return;
  current_fields = fields;
  spdlog::default_logger_raw()->log(level, spdlog::string_view_t(message));
  current_fields = {};
}

}  // namespace fathom
