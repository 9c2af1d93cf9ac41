#include "adapters/data/row_errors.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace fathom::training {

void RowErrors::Add(int line, const std::string& what) {
  if (count_++ < kShown) shown_.push_back(absl::StrCat(file_, ":", line, ": ", what));
}

absl::Status RowErrors::ToStatus() const {
  if (count_ == 0) return absl::OkStatus();
  std::string message = absl::StrJoin(shown_, "\n");
  if (count_ > kShown) absl::StrAppend(&message, "\n… and ", count_ - kShown, " more bad rows");
  return absl::InvalidArgumentError(message);
}

}  // namespace fathom::training
