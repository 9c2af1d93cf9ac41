#include "adapters/model/full_task.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "adapters/model/branch.h"
#include "adapters/model/model_folder.h"
#include "adapters/train/evaluator.h"
#include "runtime/pass/plan.h"
#include "tests/adapters/finite_differences.h"
#include "tests/adapters/train/toy.h"
#include "tests/support/random_model.h"

namespace fathom::training {
namespace {

constexpr DropoutRates kNoDropout = {};

class FullTaskTest : public ::testing::Test {
 protected:
  FullTaskTest() {
    std::mt19937 random(11);
    for (int tokens : {7, 1, 7, 12}) texts_.push_back(RandomText(config_, tokens, random));
    for (const TokenizedText& text : texts_) pointers_.push_back(&text);
    const at::NoGradGuard no_grad;
    for (const auto& [name, parameter] : task_.named()) {
      parameter.add_(at::randn_like(parameter), 0.05);  // what training does
    }
  }

  at::Tensor Trained() {
    const PackedTexts packed = Pack(pointers_);
    Dropout dropout(1);
    return Branch(task_.encoder(), task_, kNoDropout, dropout)
        .ClsStates({.tokens = pointers_, .packed = packed});
  }

  const EncoderConfig config_ = SmallEncoderConfig();
  const std::shared_ptr<const Encoder> encoder_ = RandomEncoder(config_, 3);
  FullTask task_{*encoder_, {"a", "b"}, 5};
  std::vector<TokenizedText> texts_;
  std::vector<const TokenizedText*> pointers_;
};

TEST_F(FullTaskTest, IsServedByTheEncoderThatItFreezes) {
  const FrozenTask frozen = task_.Freeze(WeightDtype::kFp32);
  EXPECT_NE(frozen.encoder->fingerprint(), encoder_->fingerprint());
  std::vector<PlanText> plan_texts;
  for (const TokenizedText& text : texts_) {
    plan_texts.push_back({static_cast<int32_t>(text.ids.size()),
                          {{.adapter = 0, .layout = &frozen.adapter.layout}}});
  }
  const PassPlan plan = PlanPass(config_.layers, plan_texts);
  Executor executor(frozen.encoder);
  const Adapter* adapters[] = {&frozen.adapter};
  const at::Tensor states = executor.Run(plan, pointers_, adapters);
  std::vector<int64_t> rows;
  for (const PlanOutput& output : plan.outputs) rows.push_back(output.rows.first);
  const at::NoGradGuard no_grad;
  const at::Tensor served = at::index_select(states, 0, at::tensor(rows));
  EXPECT_LE((Trained() - served).abs().max().item<float>(), 1e-5f);
}

TEST_F(FullTaskTest, GradientsEqualFiniteDifferences) {
  const at::Tensor weights = at::randn_like(Trained().detach());
  const auto value = [&] { return (Trained() * weights).to(at::kDouble).sum(); };
  value().backward();
  for (const auto& [name, parameter] : task_.named()) {
    if (name.starts_with("head.")) continue;
    ASSERT_TRUE(parameter.grad().defined()) << name;
    ExpectGradientIsDifference(parameter, value, 1e-3, name, {.absolute = 0.05, .relative = 0.03});
  }
}

TEST_F(FullTaskTest, TheEvaluatorUsesItsEncoder) {
  const Dataset data = ToyDataset(config_, TaskType::kRegression, 20, 1);
  const FullTask task(*encoder_, {}, 5);
  FrozenTask frozen = task.Freeze(WeightDtype::kFp32);
  Evaluator evaluator(encoder_, data, {.metric = Metric::kPearson});
  const std::vector<int> depths = {0};
  const double own = evaluator.Measure(frozen, depths)[0].score;
  frozen.encoder = RandomEncoder(config_, 99);
  EXPECT_NE(evaluator.Measure(frozen, depths)[0].score, own);
}

TEST_F(FullTaskTest, IsWrittenAsAFolderThatReadsAgain) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(::testing::TempDir()) / "full_task_test";
  fs::remove_all(folder);
  fs::create_directories(folder / "encoder");
  std::ofstream(folder / "encoder" / "config.json") << R"({"model_type": "bert",
      "num_hidden_layers": 4, "hidden_size": 32, "num_attention_heads": 4,
      "intermediate_size": 64, "vocab_size": 97, "max_position_embeddings": 40,
      "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12})";
  std::ofstream(folder / "encoder" / "vocab.txt") << "[PAD]\n";
  const std::string output = (folder / "model").string();
  const absl::Status status = WriteModelFolder(output, task_, (folder / "encoder").string(),
                                               WeightDtype::kFp32, {.method = "full"});
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_TRUE(fs::exists(folder / "model" / "vocab.txt"));
  std::ifstream file(folder / "model" / "config.json");
  const auto config = nlohmann::json::parse(file);
  EXPECT_EQ(config["architectures"][0], "BertForSequenceClassification");
  EXPECT_EQ(config["id2label"]["1"], "b");
  EXPECT_EQ(config["fathom"]["method"], "full");

  const auto read = Encoder::Load(output, PlainWeights::kDrop);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ((*read)->fingerprint(), task_.Freeze(WeightDtype::kFp32).encoder->fingerprint());
  EXPECT_TRUE((*read)->pooler().has_value());
}

}  // namespace
}  // namespace fathom::training
