#include "server/client/report.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>

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

// Label and probability, or what stands in their place.
std::pair<std::string, std::string> Outcome(const v1::TaskResult& task) {
  switch (task.outcome_case()) {
    case v1::TaskResult::kClassification: {
      const v1::Classification& answer = task.classification();
      std::string label = OneLine(answer.label(), kNameWidth);
      if (answer.top_size() > 1) {
        label = absl::StrJoin(answer.top(), ", ", [](std::string* out, const v1::Label& top) {
          absl::StrAppendFormat(out, "%s %.3f", OneLine(top.name(), kNameWidth), top.probability());
        });
      }
      return {label, absl::StrFormat("%s %.3f", Bar(answer.probability()), answer.probability())};
    }
    case v1::TaskResult::kRegression:
      return {absl::StrFormat("%.3f", task.regression().value()), ""};
    case v1::TaskResult::kError:
      return {"error: " + OneLine(task.error().message(), kErrorWidth), ""};
    default:
      return {"an outcome that this client does not know", ""};
  }
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

std::string HeadName(v1::HeadKind head) {
  switch (head) {
    case v1::HEAD_KIND_CLASSIFICATION:
      return "classification";
    case v1::HEAD_KIND_REGRESSION:
      return "regression";
    default:
      return "unknown";
  }
}

// First and last measured score, such as "accuracy 0.910 … 0.780".
std::string ProfileSpan(const v1::TaskInfo& task) {
  if (task.profile().empty()) return "not measured";
  const v1::ExpectedQuality& first = task.profile(0).quality();
  const v1::ExpectedQuality& last = task.profile(task.profile_size() - 1).quality();
  return absl::StrFormat("%s %.3f … %.3f", OneLine(first.metric(), kNameWidth), first.score(),
                         last.score());
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
    for (const v1::TaskResult& task : result.tasks()) {
      auto [label, probability] = Outcome(task);
      std::vector<std::string> row = {text,
                                      OneLine(task.name(), kNameWidth),
                                      std::move(label),
                                      std::move(probability),
                                      absl::StrCat(task.depth().skip_layers()),
                                      Expected(task.depth())};
      if (logits) row.push_back(Logits(task));
      table.AddRow(std::move(row));
      text.clear();  // once a text
    }
  }
  return absl::StrCat(table.ToString(), "\n", UsageLine(response.usage()));
}

std::string TasksReport(const std::vector<v1::TaskInfo>& tasks) {
  Table table({"task", "version", "head", "labels", "adapter", "method", "n trained", "n default",
               "profile"});
  std::string refused;
  for (const v1::TaskInfo& task : tasks) {
    const std::string name = OneLine(task.name(), kNameWidth);
    if (task.has_load_error()) {
      absl::StrAppend(&refused, "refused: ", name, " version ", task.version(), ": ",
                      OneLine(task.load_error().message(), kErrorWidth), "\n");
      continue;
    }
    table.AddRow(
        {name, absl::StrCat(task.version(), task.default_version() ? "" : " (not default)"),
         HeadName(task.head()), OneLine(absl::StrJoin(task.labels(), ", "), kTextWidth),
         OneLine(task.architecture(), kNameWidth), OneLine(task.method(), kNameWidth),
         absl::StrCat(task.trained_skip_layers().first(), " … ", task.trained_skip_layers().last()),
         absl::StrCat(task.default_skip_layers()), ProfileSpan(task)});
  }
  return table.ToString() + refused;
}

std::string InfoReport(const v1::GetServerInfoResponse& info) {
  Table table({"server", "fathom " + OneLine(info.version(), kNameWidth)});
  table.AddRow({"encoder", OneLine(info.encoder(), kTextWidth)});
  table.AddRow({"fingerprint", OneLine(info.encoder_fingerprint(), kErrorWidth)});
  table.AddRow({"layers", absl::StrCat(info.layers())});
  table.AddRow({"width", absl::StrCat(info.hidden_size())});
  table.AddRow({"device", absl::StrCat(info.device(), ", ", info.precision())});
  table.AddRow({"limits", absl::StrCat(info.max_inputs(), " inputs and ", info.max_tasks(),
                                       " tasks a call, ", info.max_tokens(), " tokens a text")});
  return table.ToString();
}

}  // namespace fathom
