// PlainFusion: a fusion as it is written down, member by member, for comparison with the absorbed
// form that passes run.
#pragma once

#include <memory>

#include "runtime/model/encoder.h"
#include "runtime/task/adapter.h"
#include "runtime/task/fusion.h"
#include "tests/bench/case_runner.h"

namespace fathom::bench {

// Every text of a request through the fusion at n = 0, whatever its tasks. Down, up, query, key and
// value are LibTorch's GEMMs; the rest of a pass is that of the server.
std::shared_ptr<CaseRunner> PlainFusion(const std::shared_ptr<const Encoder>& encoder,
                                        Fusion fusion, Head head);

}  // namespace fathom::bench
