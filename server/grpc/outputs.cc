#include "server/grpc/outputs.h"

#include "absl/strings/str_cat.h"
#include "server/grpc/probabilities.h"

namespace fathom {
namespace {

absl::Status WrongSize(const TaskOutput& output, const TaskInfo& task,
                       const std::string& expected) {
  return absl::InternalError(absl::StrCat("task '", task.name, "' answered ", output.logits.size(),
                                          " logits, not ", expected));
}

// A tagging head answers a row of logits a token, of which there is at least one.
absl::Status CheckSize(const TaskOutput& output, const TaskInfo& task, size_t tokens) {
  const size_t size = output.logits.size();
  if (task.head != HeadKind::kTagging) {
    const size_t expected = task.head == HeadKind::kRegression ? 1 : task.labels.size();
    if (size == expected && size > 0) return absl::OkStatus();
    return WrongSize(output, task, absl::StrCat(expected));
  }
  const size_t labels = task.labels.size();
  const bool known = tokens > 0;
  if (size > 0 && labels > 0 && size % labels == 0 && (!known || size == tokens * labels)) {
    return absl::OkStatus();
  }
  return WrongSize(output, task, absl::StrCat(labels, " for each token"));
}

}  // namespace

absl::Status CheckOutput(const TaskOutput& output, const TaskInfo& task,
                         absl::Span<const TokenSpan> spans) {
  if (!output.status.ok()) return output.status;
  if (absl::Status status = CheckSize(output, task, spans.size()); !status.ok()) return status;
  if (!AllFinite(output.logits)) {
    return absl::InternalError(
        absl::StrCat("task '", task.name, "' answered a logit that is not a finite number"));
  }
  return absl::OkStatus();
}

v1::Classification MakeClassification(absl::Span<const float> logits,
                                      const std::vector<std::string>& labels, size_t top_k) {
  v1::Classification out;
  const std::vector<float> probabilities = Softmax(logits);
  const size_t best = TopClasses(probabilities, 1).front();
  out.set_label(labels[best]);
  out.set_probability(probabilities[best]);
  for (const size_t c : TopClasses(probabilities, top_k)) {
    v1::Label* label = out.add_top();
    label->set_name(labels[c]);
    label->set_probability(probabilities[c]);
  }
  return out;
}

v1::MultiLabel MakeMultiLabel(absl::Span<const float> logits,
                              const std::vector<std::string>& labels) {
  v1::MultiLabel out;
  for (size_t c = 0; c < labels.size(); ++c) {
    v1::Label* label = out.add_labels();
    label->set_name(labels[c]);
    label->set_probability(Sigmoid(logits[c]));
  }
  return out;
}

v1::Tagging MakeTagging(absl::Span<const float> logits, const std::vector<std::string>& labels,
                        absl::Span<const TokenSpan> spans) {
  v1::Tagging out;
  const size_t tokens = logits.size() / labels.size();
  for (size_t token = 0; token < tokens; ++token) {
    const bool has_span = token < spans.size();
    if (has_span && spans[token].is_special()) continue;
    const std::vector<float> probabilities =
        Softmax(logits.subspan(token * labels.size(), labels.size()));
    const size_t best = TopClasses(probabilities, 1).front();
    v1::TokenTag* tag = out.add_tags();
    tag->set_token(static_cast<uint32_t>(token));
    tag->set_label(labels[best]);
    tag->set_probability(probabilities[best]);
    if (!has_span) continue;
    tag->set_begin(static_cast<uint32_t>(spans[token].begin));
    tag->set_end(static_cast<uint32_t>(spans[token].end));
    tag->set_text(static_cast<uint32_t>(spans[token].text));
  }
  return out;
}

}  // namespace fathom
