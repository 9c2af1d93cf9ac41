// Checks of options' values that CLI11 lacks.
#pragma once

#include <CLI/CLI.hpp>

namespace fathom {

// A number within these bounds; not NaN, which CLI::Range lets through.
CLI::Validator NumberIn(double first, double last);

// HOST:PORT, or nothing where `may_be_empty`. An IPv6 address stands in brackets.
CLI::Validator Address(bool may_be_empty);

}  // namespace fathom
