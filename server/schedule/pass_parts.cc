#include "server/schedule/pass_parts.h"

#include "absl/strings/str_cat.h"

namespace fathom {

PassParts::PassParts(const Batch& batch) {
  texts_.reserve(batch.parts.size());
  for (const BatchPart& part : batch.parts) {
    PassText& text = texts_.emplace_back();
    text.text = part.flights.front()->text.text.get();
    text.tasks.reserve(part.flights.size());
    for (const FlightPtr& flight : part.flights) {
      text.tasks.push_back(ToPassTask(flight->task));
    }
  }
}

absl::Status PassParts::CheckComplete(const PassResult& pass) const {
  if (pass.outputs.size() != texts_.size() || pass.work.size() != texts_.size()) {
    return absl::InternalError(absl::StrCat("the engine answered ", pass.outputs.size(),
                                            " texts (work of ", pass.work.size(), ") of a pass of ",
                                            texts_.size()));
  }
  for (size_t i = 0; i < texts_.size(); ++i) {
    if (pass.outputs[i].size() != texts_[i].tasks.size()) {
      return absl::InternalError(absl::StrCat("the engine answered ", pass.outputs[i].size(),
                                              " tasks of a text with ", texts_[i].tasks.size()));
    }
  }
  return absl::OkStatus();
}

}  // namespace fathom
