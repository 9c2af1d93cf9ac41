#include "server/client/report.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "server/client/table.h"

namespace fathom {
namespace {

constexpr size_t kTextWidth = 40;
constexpr size_t kNameWidth = 30;
constexpr size_t kErrorWidth = 200;

std::string Expected(const v1::DepthUsed& depth) {
  if (!depth.has_quality()) return "not measured";
  const v1::ExpectedQuality& quality = depth.quality();
  std::string text =
      absl::StrFormat("%s %.3f", OneLine(quality.metric(), kNameWidth), quality.score());
  if (quality.has_relative()) absl::StrAppendFormat(&text, " (%.0f %%)", 100 * quality.relative());
  return text;
}

void AppendLabel(std::string* out, const v1::Label& label) {
  absl::StrAppendFormat(out, "%s %.3f", OneLine(label.name(), kNameWidth), label.probability());
}

// Those that apply rather than not.
std::string LikelyLabels(const v1::MultiLabel& answer) {
  std::string text;
  for (const v1::Label& label : answer.labels()) {
    if (label.probability() < 0.5F) continue;
    if (!text.empty()) text += ", ";
    AppendLabel(&text, label);
  }
  return text.empty() ? "none" : text;
}

// "B-PER [0, 5) 0.981", without the tokens outside of all spans.
std::string Tags(const v1::Tagging& answer) {
  std::string text;
  for (const v1::TokenTag& tag : answer.tags()) {
    if (tag.label() == "O") continue;
    absl::StrAppendFormat(&text, "%s%s [%d, %d) %.3f", text.empty() ? "" : ", ",
                          OneLine(tag.label(), kNameWidth), tag.begin(), tag.end(),
                          tag.probability());
  }
  return text.empty() ? "none" : text;
}

// n, and why where the server chose it.
std::string Depth(const v1::DepthUsed& depth) {
  const char* why = nullptr;
  switch (depth.reason()) {
    case v1::DEPTH_REASON_LATENCY_BUDGET:
      why = "budget";
      break;
    case v1::DEPTH_REASON_MIN_QUALITY:
      why = "quality";
      break;
    case v1::DEPTH_REASON_BROWNOUT:
      why = "brown-out";
      break;
    case v1::DEPTH_REASON_DRIFT_GUARD:
      why = "drift guard";
      break;
    default:
      break;
  }
  std::string text = absl::StrCat(depth.skip_layers());
  if (why != nullptr) absl::StrAppend(&text, " (", why, ")");
  if (depth.has_budget_met() && !depth.budget_met()) text += " late";
  return text;
}

// Label and probability, or what stands in their place.
std::pair<std::string, std::string> Outcome(const v1::TaskResult& task) {
  switch (task.outcome_case()) {
    case v1::TaskResult::kClassification: {
      const v1::Classification& answer = task.classification();
      std::string label = OneLine(answer.label(), kNameWidth);
      if (answer.top_size() > 1) {
        label = absl::StrJoin(answer.top(), ", ", AppendLabel);
      }
      return {label, absl::StrFormat("%s %.3f", Bar(answer.probability()), answer.probability())};
    }
    case v1::TaskResult::kRegression:
      return {absl::StrFormat("%.3f", task.regression().value()), ""};
    case v1::TaskResult::kMultiLabel:
      return {LikelyLabels(task.multi_label()), ""};
    case v1::TaskResult::kTagging:
      return {Tags(task.tagging()), ""};
    case v1::TaskResult::kError:
      return {"error: " + OneLine(task.error().message(), kErrorWidth), ""};
    default:
      return {"an outcome that this client does not know", ""};
  }
}

// What each token stands for, of the text as it was sent.
std::string Pieces(const Text& text, const v1::TokenDetails& details) {
  std::string pieces;
  for (const v1::TokenSpan& span : details.spans()) {
    const std::string& source = span.text() == 1 && text.second ? *text.second : text.first;
    const size_t begin = std::min<size_t>(span.begin(), source.size());
    const size_t end = std::max<size_t>(begin, span.end());
    absl::StrAppend(&pieces, pieces.empty() ? "" : " ",
                    span.special() ? "*" : source.substr(begin, end - begin));
  }
  return OneLine(pieces, kErrorWidth) + (details.truncated() ? " (cut)" : "");
}

std::string InputError(const v1::InputResult& result) {
  return "error: " + OneLine(result.error().message(), kErrorWidth);
}

std::string Logits(const v1::TaskResult& task) {
  return absl::StrJoin(task.logits(), " ",
                       [](std::string* out, float v) { absl::StrAppendFormat(out, "%.4f", v); });
}

bool HasLogits(const v1::PredictResponse& response) {
  for (const v1::InputResult& result : response.results()) {
    for (const v1::TaskResult& task : result.tasks()) {
      if (!task.logits().empty()) return true;
    }
  }
  return false;
}

double Milliseconds(const google::protobuf::Duration& duration) {
  return static_cast<double>(google::protobuf::util::TimeUtil::DurationToMicroseconds(duration)) /
         1000;
}

std::string UsageLine(const v1::Usage& usage) {
  return absl::StrFormat(
      "%d tokens; row-layers: %.1f run, %.1f shared, %.1f cached, %.1f skipped; "
      "tokenize %.2f ms, queue %.2f ms, compute %.2f ms\n",
      usage.tokens(), usage.row_layers_run(), usage.row_layers_shared(), usage.row_layers_cached(),
      usage.row_layers_skipped(), Milliseconds(usage.tokenize()), Milliseconds(usage.queue()),
      Milliseconds(usage.compute()));
}

}  // namespace

std::string PredictReport(const std::vector<std::string>& texts,
                          const v1::PredictResponse& response) {
  const bool logits = HasLogits(response);
  std::vector<std::string> header = {"text", "task", "label", "probability", "n", "expected"};
  if (logits) header.emplace_back("logits");
  Table table(std::move(header));
  for (int i = 0; i < response.results_size(); ++i) {
    const v1::InputResult& result = response.results(i);
    std::string text = OneLine(texts[static_cast<size_t>(i)], kTextWidth);
    if (result.truncated()) text += " (cut)";
    if (result.has_error()) {
      std::vector<std::string> row = {text, "", InputError(result), "", "", ""};
      if (logits) row.emplace_back();
      table.AddRow(std::move(row));
    }
    for (const v1::TaskResult& task : result.tasks()) {
      auto [label, probability] = Outcome(task);
      std::vector<std::string> row = {text,
                                      OneLine(task.name(), kNameWidth),
                                      std::move(label),
                                      std::move(probability),
                                      Depth(task.depth()),
                                      Expected(task.depth())};
      if (logits) row.push_back(Logits(task));
      table.AddRow(std::move(row));
      text.clear();  // once a text
    }
  }
  return absl::StrCat(table.ToString(), "\n", UsageLine(response.usage()));
}

std::string AnswerLines(const std::string& text, const v1::PredictStreamResponse& response) {
  const std::string start = OneLine(text, kTextWidth) + "  ";
  if (!response.has_response()) {
    return absl::StrCat(start, "error: ", OneLine(response.error().message(), kErrorWidth), "\n");
  }
  std::string lines;
  for (const v1::InputResult& result : response.response().results()) {
    if (result.has_error()) absl::StrAppend(&lines, start, InputError(result), "\n");
    for (const v1::TaskResult& task : result.tasks()) {
      const auto [label, probability] = Outcome(task);
      absl::StrAppend(&lines, start, OneLine(task.name(), kNameWidth), "  ", label,
                      probability.empty() ? "" : "  ", probability, "  n = ", Depth(task.depth()),
                      "\n");
    }
  }
  return lines;
}

std::string EmbedReport(const std::vector<std::string>& texts, const v1::EmbedResponse& response) {
  constexpr int kShown = 4;
  Table table({"text", "width", "length", "first values"});
  for (int i = 0; i < response.embeddings_size(); ++i) {
    const v1::Embedding& embedding = response.embeddings(i);
    const std::string text = OneLine(texts[static_cast<size_t>(i)], kTextWidth);
    if (embedding.has_error()) {
      table.AddRow({text, "", "", "error: " + OneLine(embedding.error().message(), kErrorWidth)});
      continue;
    }
    const auto& values = embedding.values();
    const double squares = std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
    std::string first;
    for (int v = 0; v < std::min(kShown, values.size()); ++v) {
      absl::StrAppendFormat(&first, "%.4f ", values[v]);
    }
    table.AddRow({text, absl::StrCat(values.size()), absl::StrFormat("%.4f", std::sqrt(squares)),
                  first + (values.size() > kShown ? "…" : "")});
  }
  return table.ToString();
}

std::string TokenizeReport(const std::vector<Text>& texts, const v1::TokenizeResponse& response) {
  Table table({"text", "tokens", "ids", "pieces"});
  for (int i = 0; i < response.token_ids_size(); ++i) {
    const auto& ids = response.token_ids(i).ids();
    const Text& text = texts[static_cast<size_t>(i)];
    table.AddRow({OneLine(text.Shown(), kTextWidth), absl::StrCat(ids.size()),
                  absl::StrJoin(ids, " "),
                  i < response.details_size() ? Pieces(text, response.details(i)) : ""});
  }
  return table.ToString();
}

}  // namespace fathom
