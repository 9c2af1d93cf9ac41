// What `fathom load` sends, how fast and for how long.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fathom/v1/inference_service.pb.h"
#include "server/client/depth_spec.h"
#include "server/client/load/mix.h"
#include "server/client/load/text_source.h"

namespace fathom {

struct LoadOptions {
  // Pace.
  int concurrency = 8;       // callers of the closed loop
  double rate = 0;           // calls a second of the open loop; 0: closed loop
  int max_in_flight = 1000;  // of the open loop
  double duration_s = 10;    // calls start within it, after the warm-up
  double warm_up_s = 1;      // what starts in it is not counted
  double deadline_ms = 0;    // of one call; 0: none but --timeout
  double late_ms = 5;        // a call that starts so long after its time is counted as late
  int connections = 1;

  // Calls.
  std::vector<MixEntry> mix;
  DepthFlags depth;
  v1::PredictOptions options;
  int inputs = 1;  // a call

  // Texts.
  std::string text_file;  // empty: made up
  int64_t texts = 1000;   // how many different ones are made up; 0: every text is a new one
  WordRange words;
  double zipf = 0;  // exponent; 0: all alike

  uint64_t seed = 1;
  std::string answers_file;  // a JSON line for every call, also of the warm-up; empty: none
};

}  // namespace fathom
