// The errors of the API, each an absl::Status whose payloads are google.rpc details: what went
// wrong for a person in the message, for a program in the ErrorInfo.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace fathom {

inline constexpr char kErrorDomain[] = "fathom";

// INVALID_ARGUMENT "field: what", with a BadRequest naming the field.
absl::Status InvalidField(const std::string& field, const std::string& what);

// `status` of something that stands in `field`: INVALID_ARGUMENT becomes InvalidField, all else is
// passed on.
absl::Status AtField(const std::string& field, const absl::Status& status);

// `status` of looking up a task: NOT_FOUND gets a ResourceInfo naming it, all else is passed on.
absl::Status AtTask(const std::string& task, const absl::Status& status);

// UNIMPLEMENTED: `feature` is part of the API and not built in; `instead` says what is.
absl::Status NotBuiltIn(const std::string& feature, const std::string& instead);

}  // namespace fathom
