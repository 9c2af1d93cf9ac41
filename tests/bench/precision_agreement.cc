// fathom-precision-agreement: how often bf16 answers as fp32 does.
//
//   fathom-precision-agreement --encoder DIR --adapters DIR --texts FILE.tsv…
//
// Every text (column "sentence" of a TSV file) goes through every task at n = 0 and at the largest
// n, once with an engine of each precision.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "adapters/data/table.h"
#include "runtime/engine.h"
#include "tests/bench/agreement.h"

namespace fathom::bench {
namespace {

constexpr size_t kBatch = 16;

struct Inputs {
  std::string encoder_dir;
  std::string adapters_dir;
  std::vector<std::string> text_files;
  int threads = 2;
};

absl::StatusOr<std::vector<std::string>> ReadSentences(const std::vector<std::string>& files) {
  std::vector<std::string> sentences;
  for (const std::string& file : files) {
    const auto table = training::ReadTable(file);
    if (!table.ok()) return table.status();
    const auto column = std::find(table->columns.begin(), table->columns.end(), "sentence");
    if (column == table->columns.end()) {
      return absl::InvalidArgumentError(file + " has no column \"sentence\"");
    }
    for (const training::TableRow& row : table->rows) {
      sentences.push_back(row.cells[static_cast<size_t>(column - table->columns.begin())]);
    }
  }
  return sentences;
}

absl::StatusOr<std::unique_ptr<Engine>> MakeEngine(const Inputs& inputs, Precision precision) {
  return CreateEngine({.encoder_dir = inputs.encoder_dir,
                       .tasks_dir = inputs.adapters_dir,
                       .threads = inputs.threads,
                       .precision = precision,
                       .caches = {.tap_bytes = 0}});
}

// The columns of the comparison: each task at two depths.
struct Question {
  std::string task;
  int skip_layers = 0;
};

std::vector<Question> Questions(const Engine& engine) {
  std::vector<Question> questions;
  for (const TaskInfo& task : engine.ListTasks()) {
    if (!task.load_status.ok()) continue;
    for (const int n : {0, engine.encoder().layers - 1}) questions.push_back({task.name, n});
  }
  return questions;
}

// [sentence][question] logits.
using Answers = std::vector<std::vector<TaskOutput>>;

absl::StatusOr<Answers> Ask(Engine& engine, const std::vector<std::string>& sentences,
                            const std::vector<Question>& questions) {
  std::vector<std::shared_ptr<const ServableTask>> tasks;
  for (const Question& question : questions) {
    auto task = engine.FindTask(question.task, 0);
    if (!task.ok()) return task.status();
    tasks.push_back(*std::move(task));
  }
  Answers answers;
  for (size_t first = 0; first < sentences.size(); first += kBatch) {
    const size_t count = std::min(kBatch, sentences.size() - first);
    std::vector<TokenizedText> tokens;
    for (size_t i = first; i < first + count; ++i) {
      auto text = engine.Tokenize(RawText{.first = sentences[i]}, Truncation::kLongestFirst);
      if (!text.ok()) return text.status();
      tokens.push_back(*std::move(text));
    }
    std::vector<PassText> pass;
    for (const TokenizedText& text : tokens) {
      pass.push_back({.text = &text});
      for (size_t i = 0; i < questions.size(); ++i) {
        pass.back().tasks.push_back({tasks[i].get(), questions[i].skip_layers});
      }
    }
    auto result = engine.Run(pass, {});
    if (!result.ok()) return result.status();
    for (auto& outputs : result->outputs) answers.push_back(std::move(outputs));
  }
  return answers;
}

absl::Status Main(const Inputs& inputs) {
  const auto sentences = ReadSentences(inputs.text_files);
  if (!sentences.ok()) return sentences.status();
  const auto fp32 = MakeEngine(inputs, Precision::kFp32);
  if (!fp32.ok()) return fp32.status();
  const std::vector<Question> questions = Questions(**fp32);
  const auto expected = Ask(**fp32, *sentences, questions);
  if (!expected.ok()) return expected.status();
  const auto bf16 = MakeEngine(inputs, Precision::kBf16);
  if (!bf16.ok()) return bf16.status();
  const auto actual = Ask(**bf16, *sentences, questions);
  if (!actual.ok()) return actual.status();

  std::vector<Agreement> rows;
  for (size_t i = 0; i < questions.size(); ++i) {
    rows.push_back({.task = questions[i].task, .skip_layers = questions[i].skip_layers});
    for (size_t text = 0; text < sentences->size(); ++text) {
      Add((*expected)[text][i].logits, (*actual)[text][i].logits, rows.back());
    }
  }
  std::printf("%s", MarkdownTable(rows).c_str());
  return absl::OkStatus();
}

}  // namespace
}  // namespace fathom::bench

int main(int argc, char** argv) {
  fathom::bench::Inputs inputs;
  CLI::App app("Answers texts in fp32 and in bf16, and prints how often the labels are the same.");
  app.add_option("--encoder", inputs.encoder_dir, "Hugging Face folder of the encoder")->required();
  app.add_option("--adapters", inputs.adapters_dir, "folder of tasks")->required();
  app.add_option("--texts", inputs.text_files, "TSV files with a column \"sentence\"")->required();
  app.add_option("--threads", inputs.threads, "threads of a pass")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = fathom::bench::Main(inputs);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
