#include "adapters/report/training_log.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace fathom::training {

using nlohmann::ordered_json;

absl::StatusOr<TrainingLog> TrainingLog::Open(const std::string& path) {
  TrainingLog log;
  log.out_.open(path, std::ios::app);
  if (!log.out_) return absl::PermissionDeniedError(absl::StrCat("cannot write --log ", path));
  return log;
}

void TrainingLog::Add(const Step& step) {
  if (!out_.is_open()) return;
  const ordered_json line = {{"step", step.step},
                             {"n", step.skip_layers},
                             {"loss", step.loss},
                             {"learning_rate", step.learning_rate},
                             {"seconds", Seconds()}};
  out_ << line.dump() << '\n' << std::flush;
}

void TrainingLog::Add(int64_t step, absl::Span<const DepthPoint> dev, double score, bool best) {
  if (!out_.is_open()) return;
  ordered_json scores = ordered_json::object();
  for (const DepthPoint& point : dev) scores[absl::StrCat(point.skip_layers)] = point.score;
  const ordered_json line = {
      {"step", step}, {"dev", scores}, {"score", score}, {"best", best}, {"seconds", Seconds()}};
  out_ << line.dump() << '\n' << std::flush;
}

double TrainingLog::Seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

}  // namespace fathom::training
