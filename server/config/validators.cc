#include "server/config/validators.h"

#include <cmath>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace fathom {

CLI::Validator NumberIn(double first, double last) {
  const std::string range = absl::StrCat("[", first, " - ", last, "]");
  return CLI::Validator(
      [=](std::string& text) -> std::string {
        double value = 0;
        const bool number = absl::SimpleAtod(text, &value) && std::isfinite(value);
        if (number && value >= first && value <= last) return {};
        return absl::StrCat("Value ", text, " not in range ", range);
      },
      range);
}

CLI::Validator Address(bool may_be_empty) {
  return CLI::Validator(
      [=](std::string& text) -> std::string {
        if (text.empty() && may_be_empty) return {};
        const size_t colon = text.rfind(':');
        int port = -1;
        const bool good = colon != std::string::npos && colon > 0 &&
                          absl::SimpleAtoi(text.substr(colon + 1), &port) && port >= 0 &&
                          port <= 65535;
        if (good && (text.front() == '[' || text.find(':') == colon)) return {};
        return absl::StrCat("Value ", text, " is not HOST:PORT, such as 127.0.0.1:8500");
      },
      "HOST:PORT");
}

}  // namespace fathom
