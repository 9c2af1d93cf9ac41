#include "runtime/model/encoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/pass/ops/activation.h"
#include "tests/support/random_model.h"

namespace fathom {
namespace {

using testing::HasSubstr;

absl::StatusOr<std::shared_ptr<const Encoder>> Make(const TensorMap& tensors) {
  return Encoder::FromTensors(SmallEncoderConfig(), tensors, PlainWeights::kKeep);
}

TEST(Encoder, KnowsItsTensorsUnderOldAndNewNames) {
  const TensorMap plain = RandomEncoderTensors(SmallEncoderConfig(), 3);
  const auto expected = Make(plain);
  ASSERT_TRUE(expected.ok()) << expected.status();
  TensorMap prefixed, old_norms;
  for (const auto& [name, tensor] : plain) {
    prefixed["bert." + name] = tensor;
    old_norms[absl::StrReplaceAll(name, {{"LayerNorm.weight", "LayerNorm.gamma"},
                                         {"LayerNorm.bias", "LayerNorm.beta"}})] = tensor;
  }
  for (const TensorMap& tensors : {prefixed, old_norms}) {
    const auto encoder = Make(tensors);
    ASSERT_TRUE(encoder.ok()) << encoder.status();
    EXPECT_EQ((*encoder)->fingerprint(), (*expected)->fingerprint());
    EXPECT_TRUE((*encoder)->layer(3).ffn_norm.gamma.equal((*expected)->layer(3).ffn_norm.gamma));
  }
}

TEST(Encoder, ReadsHalfPrecisionAsFp32) {
  for (at::ScalarType dtype : {at::kHalf, at::kBFloat16}) {
    TensorMap tensors = RandomEncoderTensors(SmallEncoderConfig(), 3);
    for (auto& [name, tensor] : tensors) tensor = tensor.to(dtype);
    const auto encoder = Make(tensors);
    ASSERT_TRUE(encoder.ok()) << encoder.status();
    EXPECT_EQ((*encoder)->layer(0).ffn_in.weight().scalar_type(), at::kFloat);
    EXPECT_TRUE((*encoder)->layer(0).ffn_in.weight().equal(
        tensors["encoder.layer.0.intermediate.dense.weight"].to(at::kFloat)));
  }
}

TEST(Encoder, NamesAMissingTensor) {
  TensorMap tensors = RandomEncoderTensors(SmallEncoderConfig(), 3);
  tensors.erase("encoder.layer.2.attention.self.key.bias");
  const auto encoder = Make(tensors);
  EXPECT_EQ(encoder.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(encoder.status().message()),
              HasSubstr("encoder.layer.2.attention.self.key.bias"));
}

TEST(Encoder, NamesBothShapesOfAMisshapenTensor) {
  TensorMap tensors = RandomEncoderTensors(SmallEncoderConfig(), 3);
  tensors["encoder.layer.1.output.dense.weight"] = at::zeros({32, 63});
  const auto encoder = Make(tensors);
  EXPECT_EQ(encoder.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(encoder.status().message()),
              testing::AllOf(HasSubstr("encoder.layer.1.output.dense.weight"),
                             HasSubstr("[32, 63]"), HasSubstr("[32, 64]")));
}

TEST(Encoder, DoesWithoutAPooler) {
  TensorMap tensors = RandomEncoderTensors(SmallEncoderConfig(), 3);
  tensors.erase("pooler.dense.weight");
  tensors.erase("pooler.dense.bias");
  const auto encoder = Make(tensors);
  ASSERT_TRUE(encoder.ok()) << encoder.status();
  EXPECT_FALSE((*encoder)->pooler().has_value());
}

TEST(Encoder, FingerprintTellsWeightsAndSettingsApart) {
  TensorMap tensors = RandomEncoderTensors(SmallEncoderConfig(), 3);
  const auto first = Make(tensors);
  EncoderConfig other_config = SmallEncoderConfig();
  other_config.layer_norm_eps = 1e-5;
  const auto other_eps = Encoder::FromTensors(other_config, tensors, PlainWeights::kDrop);
  tensors["encoder.layer.0.output.dense.bias"] += 1e-3;
  const auto other_weights = Make(tensors);
  ASSERT_TRUE(first.ok() && other_eps.ok() && other_weights.ok());
  EXPECT_NE((*first)->fingerprint(), (*other_weights)->fingerprint());
  EXPECT_NE((*first)->fingerprint(), (*other_eps)->fingerprint());
}

TEST(Linear, EqualsThePlainFormForEveryActivation) {
  const auto encoder = RandomEncoder(SmallEncoderConfig(), 5);
  const at::Tensor& weight = encoder->layer(0).ffn_in.weight();
  const at::Tensor& bias = encoder->layer(0).ffn_in.bias();
  for (Activation activation :
       {Activation::kIdentity, Activation::kRelu, Activation::kGelu, Activation::kGeluTanh,
        Activation::kSilu, Activation::kTanh, Activation::kSigmoid, Activation::kLeakyRelu}) {
    const Linear linear(weight, bias, activation, PlainWeights::kDrop);
    for (int64_t rows : {0, 1, 3, 70}) {
      const at::Tensor x = at::ones({rows, 32}) * 0.3;
      const at::Tensor expected = ops::Activate(at::linear(x, weight, bias), activation);
      EXPECT_TRUE(linear(x).allclose(expected, 1e-5, 1e-5))
          << ActivationName(activation) << ", " << rows << " rows";
    }
  }
}

}  // namespace
}  // namespace fathom
