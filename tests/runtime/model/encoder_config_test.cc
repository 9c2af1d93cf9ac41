#include "runtime/model/encoder_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace fathom {
namespace {

using ::testing::HasSubstr;

nlohmann::json BertConfig() {
  return {{"model_type", "bert"},
          {"num_hidden_layers", 12},
          {"hidden_size", 768},
          {"intermediate_size", 3072},
          {"num_attention_heads", 12},
          {"vocab_size", 30522},
          {"max_position_embeddings", 512},
          {"type_vocab_size", 2},
          {"hidden_act", "gelu_new"},
          {"layer_norm_eps", 1e-5},
          {"hidden_dropout_prob", 0.2},
          {"attention_probs_dropout_prob", 0}};
}

TEST(EncoderConfig, ReadsEveryField) {
  const auto config = ParseEncoderConfig(BertConfig().dump());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->layers, 12);
  EXPECT_EQ(config->hidden_size, 768);
  EXPECT_EQ(config->intermediate_size, 3072);
  EXPECT_EQ(config->heads, 12);
  EXPECT_EQ(config->head_size(), 64);
  EXPECT_EQ(config->vocab_size, 30522);
  EXPECT_EQ(config->max_positions, 512);
  EXPECT_EQ(config->segment_types, 2);
  EXPECT_EQ(config->activation, Activation::kGeluTanh);
  EXPECT_EQ(config->layer_norm_eps, 1e-5);
  EXPECT_EQ(config->hidden_dropout, 0.2);
  EXPECT_EQ(config->attention_dropout, 0);
}

TEST(EncoderConfig, TakesDefaultsOfOptionalKeys) {
  nlohmann::json json = BertConfig();
  for (const char* key : {"hidden_act", "layer_norm_eps", "hidden_dropout_prob"}) json.erase(key);
  json["position_embedding_type"] = nullptr;
  const auto config = ParseEncoderConfig(json.dump());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->activation, Activation::kGelu);
  EXPECT_EQ(config->layer_norm_eps, 1e-12);
  EXPECT_EQ(config->hidden_dropout, 0.1);
}

TEST(EncoderConfig, NamesTheKeyAndValueItRefuses) {
  const struct {
    const char* key;
    nlohmann::json value;
    const char* message;
  } cases[] = {
      {"model_type", "roberta", "model_type is \"roberta\""},
      {"model_type", nullptr, "model_type is null"},
      {"position_embedding_type", "relative_key", "\"relative_key\", expected \"absolute\""},
      {"is_decoder", true, "is_decoder is true"},
      {"num_hidden_layers", 0, "num_hidden_layers is 0, expected an integer from 1 to 1024"},
      {"num_hidden_layers", 1025, "num_hidden_layers is 1025"},
      {"num_hidden_layers", 12.5, "num_hidden_layers is 12.5"},
      {"num_hidden_layers", "12", "num_hidden_layers is \"12\""},
      {"hidden_size", -768, "hidden_size is -768"},
      {"hidden_size", uint64_t{1} << 63, "hidden_size is 9223372036854775808"},
      {"vocab_size", int64_t{1} << 40, "vocab_size is 1099511627776"},
      {"num_attention_heads", 7, "num_attention_heads is 7, expected a divisor of hidden_size"},
      {"num_attention_heads", 0, "num_attention_heads is 0"},
      {"hidden_act", "mish", "hidden_act is \"mish\""},
      {"layer_norm_eps", 0, "layer_norm_eps is 0"},
      {"layer_norm_eps", "tiny", "layer_norm_eps is \"tiny\""},
      {"hidden_dropout_prob", 1, "hidden_dropout_prob is 1"},
  };
  for (const auto& test : cases) {
    nlohmann::json json = BertConfig();
    json[test.key] = test.value;
    const auto config = ParseEncoderConfig(json.dump());
    EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument) << test.message;
    EXPECT_THAT(std::string(config.status().message()), HasSubstr(test.message));
  }
}

TEST(EncoderConfig, NamesAMissingKey) {
  nlohmann::json json = BertConfig();
  json.erase("intermediate_size");
  EXPECT_THAT(std::string(ParseEncoderConfig(json.dump()).status().message()),
              HasSubstr("intermediate_size is missing"));
}

TEST(EncoderConfig, RefusesWhatIsNoJsonObject) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "not valid JSON"},
      {"{\"hidden_size\": NaN}", "not valid JSON at byte"},
      {"{\"layer_norm_eps\": 1e999}", "a number is out of range"},
      {"[1]", "expected a JSON object, found array"},
      {"{\"a\": 1, \"a\": 2}", "repeats the key \"a\""},
      {"{\"a\": \"\xff\"}", "not valid JSON at byte"},
      {"{\"a\": " + std::string(100000, '[') + std::string(100000, ']') + "}", "nests deeper"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_THAT(std::string(ParseEncoderConfig(text).status().message()), HasSubstr(message));
  }
}

}  // namespace
}  // namespace fathom
