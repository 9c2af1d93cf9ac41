// A whole training on disk that takes a moment: a small random encoder, rows of two words, options.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "adapters/console.h"
#include "adapters/train_options.h"
#include "runtime/model/tensor_file.h"
#include "tests/support/random_model.h"

namespace fathom::training {

class TinyTraining : public ::testing::Test {
 protected:
  TinyTraining() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ / "encoder");
    std::ofstream(folder_ / "encoder" / "config.json") << R"({"model_type": "bert",
      "num_hidden_layers": 4, "hidden_size": 32, "num_attention_heads": 4,
      "intermediate_size": 64, "vocab_size": 97, "max_position_embeddings": 40,
      "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12})";
    std::ofstream(folder_ / "encoder" / "vocab.txt")
        << "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ngood\nbad\nfilm\n";
    const absl::Status status =
        WriteSafetensors((folder_ / "encoder" / "model.safetensors").string(),
                         RandomEncoderTensors(SmallEncoderConfig(), 3));
    EXPECT_TRUE(status.ok()) << status;
    options_.encoder_dir = (folder_ / "encoder").string() + "/";
    options_.train_file = options_.dev_file = WriteRows("rows.tsv", 12);
    options_.output_dir = (folder_ / "tasks" / "film").string();
    options_.batch_size = 4;
    options_.epochs = 2;
  }

  // Of each class so many; the file's path.
  std::string WriteRows(const std::string& name, int count) {
    std::ofstream rows(folder_ / name);
    rows << "sentence\tlabel\n";
    for (int i = 0; i < count; ++i) rows << "good film\tyes\nbad bad film\tno\n";
    return (folder_ / name).string();
  }

  TrainConsole Console(bool stop = false) {
    return {.progress = progress_, .result = result_, .stop_requested = [stop] { return stop; }};
  }

  const std::filesystem::path folder_ =
      std::filesystem::path(::testing::TempDir()) /
      ::testing::UnitTest::GetInstance()->current_test_info()->test_suite_name();
  TrainOptions options_;
  std::ostringstream progress_;
  std::ostringstream result_;
};

}  // namespace fathom::training
