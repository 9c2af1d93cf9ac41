// What `fathom load` tells at its end. Pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "server/client/load/tally.h"

namespace fathom {

struct LoadResult {
  double seconds = 0;  // in which the counted calls started
  double rate = 0;     // asked for; 0: closed loop
  int64_t unsent = 0;  // calls of the schedule that were given up
  Tally tally;
};

nlohmann::json LoadJson(const LoadResult& result);

std::string LoadReport(const LoadResult& result);

}  // namespace fathom
