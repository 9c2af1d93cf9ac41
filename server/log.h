// The program's log: one line an event on the standard error, as text or as JSON.
#pragma once

#include <string>

namespace fathom {

// Sets spdlog's default logger. `format` is "text" or "json"; a JSON line has time, level, message.
void InitLog(const std::string& format);

}  // namespace fathom
