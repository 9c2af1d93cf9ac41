// RowErrors: collects what is wrong with the rows of one file, so that a person sees the first few
// of them at once and not one a run.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace fathom::training {

class RowErrors {
 public:
  explicit RowErrors(std::string file) : file_(std::move(file)) {}

  void Add(int line, const std::string& what);
  bool empty() const { return count_ == 0; }

  // OK, or INVALID_ARGUMENT with "file:line: what" for the first few and the count of the rest.
  absl::Status ToStatus() const;

 private:
  static constexpr int kShown = 5;

  std::string file_;
  std::vector<std::string> shown_;
  int count_ = 0;
};

}  // namespace fathom::training
