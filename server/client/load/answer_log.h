// The calls of a load as JSON lines, for who wants to check the answers.
#pragma once

#include <nlohmann/json.hpp>

#include "server/client/load/tally.h"

namespace fathom {

// {"call", "sent", "code", "latency_ms"}, where "sent" is seconds since 1970. For an OK call
// "results": for each input its "id" and its "tasks", with name, version, n and what was answered;
// for others "reason" and "message". Pure.
nlohmann::json AnswerJson(const CallOutcome& outcome);

}  // namespace fathom
