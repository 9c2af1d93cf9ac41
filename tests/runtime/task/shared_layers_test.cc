#include "runtime/task/format/shared_layers.h"

#include <ATen/TensorOperators.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/task/format/checked_folder.h"
#include "runtime/task/pack_weights.h"
#include "tests/runtime/task/adapter_testing.h"
#include "tests/support/file_testing.h"

namespace fathom {
namespace {

using ::testing::HasSubstr;

// Houlsby: a module of its own at each place.
AdapterFolder MakeShared(const EncoderConfig& encoder) {
  AdapterFolder folder = testing::MakeFolder({Place::kAttention, Place::kFfn},
                                             {.input = AdapterInput::kDense}, {4, 4, 4}, encoder);
  for (auto& layer : folder.adapter.modules) layer = folder.adapter.modules.front();
  folder.training = TrainingRecord{.method = "robust", .shares_layers = true};
  return folder;
}

std::string Write(const AdapterFolder& content, const EncoderConfig& encoder, WeightDtype dtype) {
  const std::string folder = testing::FreshFolder() + "/task";
  const absl::Status status = WriteAdapterFolder(folder, content, encoder, {}, dtype);
  EXPECT_TRUE(status.ok()) << status;
  return folder;
}

TEST(SharedLayers, AreInMemoryOnce) {
  const EncoderConfig encoder = testing::TinyEncoder(3);
  for (const WeightDtype dtype : {WeightDtype::kFp32, WeightDtype::kFp16}) {
    const std::string folder = Write(MakeShared(encoder), encoder, dtype);
    const auto checked = CheckAdapterFolder(folder, encoder);
    ASSERT_TRUE(checked.ok()) << checked.status();
    AdapterFolder one_layer =
        testing::MakeFolder({Place::kAttention, Place::kFfn}, {}, {4}, encoder);
    EXPECT_EQ(checked->packed_bytes, PackedBytes(one_layer.adapter, nullptr));
    const auto weights = ReadFolderWeights(*checked);
    ASSERT_TRUE(weights.ok()) << weights.status();
    const AdapterModule& first = weights->adapter.module(0, Place::kFfn);
    EXPECT_TRUE(first.up_weight.is_same(weights->adapter.module(2, Place::kFfn).up_weight));
    EXPECT_FALSE(first.up_weight.is_same(weights->adapter.module(2, Place::kAttention).up_weight));
    EXPECT_EQ(PackedBytes(weights->adapter, nullptr), checked->packed_bytes);
  }
}

TEST(SharedLayers, LayersThatDifferAreRefused) {
  const EncoderConfig encoder = testing::TinyEncoder(3);
  AdapterFolder written = MakeShared(encoder);
  written.adapter.modules[1][1]->up_bias = written.adapter.modules[1][1]->up_bias + 1;
  const auto checked = CheckAdapterFolder(Write(written, encoder, WeightDtype::kFp32), encoder);
  ASSERT_TRUE(checked.ok()) << "values are not looked at yet";
  const auto weights = ReadFolderWeights(*checked);
  EXPECT_EQ(weights.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(weights.status().message()),
              HasSubstr("the modules of layer 1 are not those of the layers below"));
}

TEST(SharedLayers, ShapesThatDifferAreRefusedWithoutTheValues) {
  const EncoderConfig encoder = testing::TinyEncoder(3);
  AdapterFolder written = MakeShared(encoder);
  written.adapter.modules[2][0] = testing::MakeModule(2, encoder.hidden_size);
  written.adapter.modules[2][1] = testing::MakeModule(2, encoder.hidden_size);
  const auto checked = CheckAdapterFolder(Write(written, encoder, WeightDtype::kFp32), encoder);
  EXPECT_THAT(std::string(checked.status().message()), HasSubstr("shares_layers"));
}

}  // namespace
}  // namespace fathom
