#include "server/client/server_report.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "server/client/table.h"

namespace fathom {
namespace {

constexpr size_t kListWidth = 40;
constexpr size_t kNameWidth = 30;
constexpr size_t kErrorWidth = 200;

std::string HeadName(v1::HeadKind head) {
  switch (head) {
    case v1::HEAD_KIND_CLASSIFICATION:
      return "classification";
    case v1::HEAD_KIND_REGRESSION:
      return "regression";
    case v1::HEAD_KIND_MULTI_LABEL:
      return "multi-label";
    case v1::HEAD_KIND_TAGGING:
      return "tagging";
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

// "name version 2"
std::string NameAndVersion(const v1::TaskInfo& task) {
  return absl::StrCat(OneLine(task.name(), kNameWidth), " version ", task.version());
}

std::string Refused(const v1::TaskInfo& task) {
  return absl::StrCat("refused: ", NameAndVersion(task), ": ",
                      OneLine(task.load_error().message(), kErrorWidth), "\n");
}

}  // namespace

std::string TasksReport(const std::vector<v1::TaskInfo>& tasks) {
  Table table({"task", "version", "head", "labels", "adapter", "method", "n trained", "n default",
               "profile"});
  std::string refused;
  for (const v1::TaskInfo& task : tasks) {
    if (task.has_load_error()) {
      refused += Refused(task);
      continue;
    }
    table.AddRow(
        {OneLine(task.name(), kNameWidth),
         absl::StrCat(task.version(), task.default_version() ? "" : " (not default)"),
         HeadName(task.head()), OneLine(absl::StrJoin(task.labels(), ", "), kListWidth),
         OneLine(task.architecture(), kNameWidth), OneLine(task.method(), kNameWidth),
         absl::StrCat(task.trained_skip_layers().first(), " … ", task.trained_skip_layers().last()),
         absl::StrCat(task.default_skip_layers()), ProfileSpan(task)});
  }
  return table.ToString() + refused;
}

std::string InfoReport(const v1::GetServerInfoResponse& info) {
  Table table({"server", "fathom " + OneLine(info.version(), kNameWidth)});
  table.AddRow({"encoder", OneLine(info.encoder(), kListWidth)});
  table.AddRow({"fingerprint", OneLine(info.encoder_fingerprint(), kErrorWidth)});
  table.AddRow({"layers", absl::StrCat(info.layers())});
  table.AddRow({"width", absl::StrCat(info.hidden_size())});
  table.AddRow({"device", absl::StrCat(info.device(), ", ", info.precision())});
  table.AddRow({"limits", absl::StrCat(info.max_inputs(), " inputs and ", info.max_tasks(),
                                       " tasks a call, ", info.max_tokens(), " tokens a text")});
  return table.ToString();
}

std::string ScanReportText(const v1::ScanTasksResponse& scan) {
  std::string text;
  for (const v1::TaskInfo& task : scan.loaded()) {
    absl::StrAppend(&text, "loaded: ", NameAndVersion(task), "\n");
  }
  for (const v1::TaskInfo& task : scan.unloaded()) {
    absl::StrAppend(&text, "unloaded: ", NameAndVersion(task), "\n");
  }
  for (const v1::TaskInfo& task : scan.refused()) text += Refused(task);
  return text.empty() ? "nothing changed\n" : text;
}

std::string DepthPolicyReport(const v1::SetDepthPolicyRequest& policy) {
  Table table({"task", OneLine(policy.task(), kNameWidth)});
  table.AddRow({"quality floor", absl::StrFormat("%.3f", policy.quality_floor())});
  table.AddRow({"default n", absl::StrCat(policy.default_skip_layers())});
  table.AddRow({"brown-out", policy.brownout() ? "on" : "off"});
  table.AddRow({"shadow ratio", absl::StrFormat("%.3f", policy.shadow_ratio())});
  return table.ToString();
}

}  // namespace fathom
