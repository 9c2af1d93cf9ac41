#include "adapters/train_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

namespace fathom::training {
namespace {

using testing::HasSubstr;

ParsedCommandLine Parse(std::vector<std::string> extra) {
  const std::string file = testing::TempDir() + "/train_options_test.tsv";
  std::ofstream(file) << "text\tlabel\n";
  std::vector<std::string> arguments = {"fathom-train", "--encoder", testing::TempDir(),
                                        "--train",      file,        "--dev",
                                        file,           "--output",  "out"};
  arguments.insert(arguments.end(), extra.begin(), extra.end());
  std::vector<const char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  return ParseCommandLine(static_cast<int>(pointers.size()), pointers.data());
}

TEST(TrainOptions, DefaultsAreTheReferences) {
  const auto parsed = Parse({});
  ASSERT_TRUE(parsed.options.has_value()) << parsed.text;
  EXPECT_EQ(parsed.options->method, Method::kRobust);
  EXPECT_EQ(parsed.options->architecture, "pfeiffer");
  EXPECT_DOUBLE_EQ(LearningRate(*parsed.options), 1e-4);
  EXPECT_EQ(parsed.options->batch_size, 32);
  EXPECT_FALSE(parsed.options->encoder_dropout.has_value());
  EXPECT_FALSE(parsed.options->metric.has_value());
}

TEST(TrainOptions, ReadsEveryChoice) {
  const auto parsed = Parse({"--method",
                             "specialized",
                             "--skip-layers",
                             "5",
                             "--metric",
                             "f1",
                             "--task-type",
                             "classification",
                             "--weight-dtype",
                             "fp16",
                             "--encoder-dropout",
                             "off",
                             "--reduction-factor",
                             "0=8,default=4",
                             "--resume",
                             "--activation",
                             "gelu",
                             "--scaling",
                             "2",
                             "--share-across-layers",
                             "--select-by",
                             "n=3",
                             "--early-stopping",
                             "4",
                             "--seeds",
                             "1,2"});
  ASSERT_TRUE(parsed.options.has_value()) << parsed.text;
  EXPECT_EQ(parsed.options->method, Method::kSpecialized);
  EXPECT_EQ(parsed.options->skip_layers, 5);
  EXPECT_EQ(parsed.options->metric, Metric::kF1);
  EXPECT_EQ(parsed.options->task_type, TaskType::kClassification);
  EXPECT_EQ(parsed.options->weight_dtype, WeightDtype::kFp16);
  EXPECT_EQ(parsed.options->encoder_dropout, 0.0);
  EXPECT_EQ(parsed.options->reduction_factor, "0=8,default=4");
  EXPECT_EQ(parsed.options->activation, Activation::kGelu);
  EXPECT_EQ(parsed.options->scaling, 2.0);
  EXPECT_TRUE(parsed.options->share_across_layers);
  EXPECT_EQ(parsed.options->select_by.depth, 3);
  EXPECT_EQ(parsed.options->early_stopping, 4);
  EXPECT_EQ(parsed.options->seeds, (std::vector<uint64_t>{1, 2}));
  EXPECT_TRUE(parsed.options->resume);
}

TEST(TrainOptions, ReadsWhereTrunkStatesGo) {
  EXPECT_TRUE(Parse({}).options->state_cache);
  EXPECT_FALSE(Parse({}).options->state_cache_bytes.has_value()) << "auto";
  EXPECT_FALSE(Parse({"--state-cache", "off"}).options->state_cache);
  EXPECT_FALSE(Parse({"--state-cache", "auto"}).options->state_cache_bytes.has_value());
  const auto parsed =
      Parse({"--state-cache", "2G", "--state-precision", "bf16", "--state-cache-dir", "states",
             "--state-cache-file-mb", "100", "--keep-state-cache"});
  ASSERT_TRUE(parsed.options.has_value()) << parsed.text;
  EXPECT_EQ(parsed.options->state_cache_bytes, int64_t{2} << 30);
  EXPECT_EQ(parsed.options->state_precision, TapPrecision::kBf16);
  EXPECT_EQ(parsed.options->state_cache_dir, "states");
  EXPECT_EQ(parsed.options->state_cache_file_mb, 100);
  EXPECT_TRUE(parsed.options->keep_state_cache);
  EXPECT_EQ(Parse({"--state-cache", "300"}).options->state_cache_bytes, 300);
}

TEST(TrainOptions, DropoutIsAPlaceOrARate) {
  const TrainOptions everywhere = *Parse({"--encoder-dropout", "everywhere"}).options;
  EXPECT_EQ(everywhere.dropout_places, DropoutPlaces::kEverywhere);
  EXPECT_FALSE(everywhere.encoder_dropout.has_value()) << "the rates of the config";
  const TrainOptions branch = *Parse({"--encoder-dropout", "branch"}).options;
  EXPECT_EQ(branch.dropout_places, DropoutPlaces::kBranch);
  const TrainOptions rate = *Parse({"--encoder-dropout", "0.3"}).options;
  EXPECT_EQ(rate.encoder_dropout, 0.3);
  EXPECT_EQ(rate.dropout_places, DropoutPlaces::kBranch);
}

TEST(TrainOptions, FullFineTuningHasALearningRateOfItsOwn) {
  EXPECT_DOUBLE_EQ(LearningRate(*Parse({"--method", "full"}).options), 2e-5);
  EXPECT_DOUBLE_EQ(LearningRate(*Parse({"--method", "full", "--learning-rate", "1e-3"}).options),
                   1e-3);
  EXPECT_EQ(Parse({"--precision", "bf16"}).options->precision, Precision::kBf16);
}

struct Bad {
  std::vector<std::string> arguments;
  const char* message;
};

TEST(TrainOptions, ErrorsNameTheFlag) {
  const Bad cases[] = {
      {{"--method", "rubust"}, "--method"},
      {{"--learning-rate", "0"}, "--learning-rate"},
      {{"--batch-size", "0"}, "--batch-size"},
      {{"--epochs", "many"}, "--epochs"},
      {{"--encoder-dropout", "1"}, "--encoder-dropout"},
      {{"--activation", "mish"}, "--activation"},
      {{"--select-by", "best"}, "--select-by"},
      {{"--seeds", "1,2,1"}, "--seeds"},
      {{"--seeds", "1,2", "--seed", "3"}, "--seed"},
      {{"--profile-file", "/no/such/file.tsv"}, "--profile-file"},
      {{"--train", "/no/such/file.tsv"}, "--train"},
      {{"--lerning-rate", "1"}, "--lerning-rate"},
      {{"--state-cache", "much"}, "--state-cache"},
      {{"--state-cache", "-1"}, "--state-cache"},
      {{"--keep-state-cache"}, "--state-cache-dir"},
  };
  for (const Bad& bad : cases) {
    const auto parsed = Parse(bad.arguments);
    EXPECT_FALSE(parsed.options.has_value()) << bad.message;
    EXPECT_NE(parsed.exit_code, 0) << bad.message;
    EXPECT_THAT(parsed.text, HasSubstr(bad.message));
  }
}

TEST(TrainOptions, HelpIsNotAnError) {
  const auto parsed = Parse({"--help"});
  EXPECT_FALSE(parsed.options.has_value());
  EXPECT_EQ(parsed.exit_code, 0);
  EXPECT_THAT(parsed.text, HasSubstr("--reduction-factor"));
}

}  // namespace
}  // namespace fathom::training
