#include "adapters/command_line_options.h"

namespace fathom::training {
namespace {

const std::map<std::string, Metric> kMetrics = {
    {"accuracy", Metric::kAccuracy}, {"f1", Metric::kF1},           {"macro_f1", Metric::kMacroF1},
    {"matthews", Metric::kMatthews}, {"pearson", Metric::kPearson}, {"spearman", Metric::kSpearman},
};

}  // namespace

void AddEncoder(CLI::App& app, std::string& encoder_dir) {
  app.add_option("--encoder", encoder_dir,
                 "Hugging Face folder: config.json, model.safetensors, tokenizer.json")
      ->required()
      ->check(CLI::ExistingDirectory);
}

void AddColumns(CLI::App& app, ColumnNames& columns, int& max_tokens) {
  app.add_option("--text-column", columns.text,
                 "column of the text (default: sentence, sentence1 or text)");
  app.add_option("--pair-column", columns.pair,
                 "column of the second text (default: sentence2 if there is one)");
  app.add_option("--label-column", columns.label,
                 "column of the label (default: label, category or score)");
  app.add_option("--max-tokens", max_tokens, "longer texts are truncated")
      ->check(CLI::Range(4, 1 << 20))
      ->capture_default_str();
}

CLI::Option* AddMetric(CLI::App& app, std::optional<Metric>& metric) {
  return AddChoice(app, "--metric", metric, kMetrics);
}

void AddThreads(CLI::App& app, int& threads) {
  app.add_option("--threads", threads, "0: all cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
}

}  // namespace fathom::training
