// Folders that are refused, and old forms of the format that are not: each is a good folder with
// one change.
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "runtime/model/tensor_file.h"
#include "runtime/task/format/adapter_folder.h"
#include "tests/support/file_testing.h"
#include "tests/runtime/task/adapter_testing.h"

namespace fathom {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::FreshFolder;
using ::testing::HasSubstr;
using testing::MakeHead;
using testing::MakePfeiffer;
using testing::ReadBytes;
using testing::TinyEncoder;
using testing::WriteBytes;

constexpr char kModule[] = "bert.encoder.layer.1.output.adapters.task.";

class ChangedFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = FreshFolder() + "/task";
    AdapterFolder content = MakePfeiffer(encoder_);
    content.head = MakeHead({"no", "yes"}, 2, Activation::kTanh, encoder_);
    content.training.emplace().method = "robust";
    ASSERT_TRUE(WriteAdapterFolder(path_, content, encoder_, {}, WeightDtype::kFp32).ok());
  }

  void ChangeJson(const std::string& file, const std::function<void(json&)>& change) {
    json value = json::parse(ReadBytes(path_ + "/" + file));
    change(value);
    WriteBytes(path_ + "/" + file, value.dump());
  }
  void ChangeTensors(const std::string& file, const std::function<void(TensorMap&)>& change) {
    TensorMap tensors = *ReadSafetensors(path_ + "/" + file);
    change(tensors);
    ASSERT_TRUE(WriteSafetensors(path_ + "/" + file, tensors).ok());
  }
  absl::StatusOr<AdapterFolder> Read() const { return ReadAdapterFolder(path_, encoder_); }
  void ExpectRefused(const std::string& file, const std::string& message) const {
    const auto read = Read();
    EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument) << message;
    EXPECT_THAT(std::string(read.status().message()), AllOf(HasSubstr(file), HasSubstr(message)));
  }

  const EncoderConfig encoder_ = TinyEncoder();
  std::string path_;
};

TEST_F(ChangedFolder, RefusesConfigsByKeyAndValue) {
  const json good = json::parse(ReadBytes(path_ + "/adapter_config.json"));
  const struct {
    const char* pointer;
    json value;
    const char* message;
  } cases[] = {
      {"/hidden_size", 768, "hidden_size is 768, expected 8"},
      {"/model_type", "roberta", "model_type is \"roberta\""},
      {"/name", nullptr, "name is null"},
      {"/name", "a.b", "name is \"a.b\""},
      {"/config", nullptr, "config is null"},
      {"/config", "pfeiffer", "config is \"pfeiffer\""},
      {"/config/architecture", "lora", "config: architecture is \"lora\""},
      {"/config/phm_layer", true, "phm_layer is true"},
      {"/config/use_gating", true, "use_gating is true"},
      {"/config/ln_before", true, "ln_before is true"},
      {"/config/ln_after", true, "ln_after is true"},
      {"/config/residual_before_ln", false, "residual_before_ln is false"},
      {"/config/residual_before_ln", "post_add", "residual_before_ln is \"post_add\""},
      {"/config/adapter_residual_before_ln", true, "adapter_residual_before_ln is true"},
      {"/config/original_ln_after", false, "original_ln_after is false"},
      {"/config/scaling", "learned", "scaling is \"learned\""},
      {"/config/scaling", "channel", "scaling is \"channel\""},
      {"/config/non_linearity", "mish", "non_linearity is \"mish\""},
      {"/config/non_linearity", nullptr, "non_linearity is null"},
      {"/config/output_adapter", false, "output_adapter is false"},
      {"/config/mh_adapter", 1, "mh_adapter is 1"},
      {"/config/reduction_factor", 0, "reduction_factor is 0"},
      {"/config/reduction_factor", -2, "reduction_factor is -2"},
      {"/config/reduction_factor", 1e-300, "reduction_factor is 1e-300"},
      {"/config/reduction_factor", "16", "reduction_factor is \"16\""},
      {"/config/reduction_factor", {{"0", 2}}, "reduction_factor is {\"0\":2}"},
      {"/config/leave_out", {2}, "leave_out is [2], expected a list of layers from 0 to 1"},
      {"/config/leave_out", {-1}, "leave_out is [-1]"},
      {"/config/leave_out", "0", "leave_out is \"0\""},
      {"/fathom", 1, "fathom is no object"},
      {"/fathom/trained_skip_layers", {0, 3}, "trained_skip_layers is [0,3]"},
      {"/fathom/trained_skip_layers", {1, 0}, "trained_skip_layers is [1,0]"},
      {"/fathom/trained_skip_layers", {-1, 0}, "trained_skip_layers is [-1,0]"},
      {"/fathom/method", 1, "fathom: method is 1"},
      {"/fathom/details", "x", "details is \"x\""},
      {"/fathom/samples", -1, "samples is -1"},
      {"/fathom/depth_profile", "x", "depth_profile is no list"},
      {"/fathom/depth_profile", json::parse(R"([{"skip_layers":3,"score":1}])"),
       "depth_profile[0]: skip_layers is 3"},
      {"/fathom/depth_profile", json::parse(R"([{"skip_layers":0}])"), "score is missing"},
      {"/fathom/depth_profile", json::parse(R"([{"skip_layers":0,"score":1,"agreement":2}])"),
       "agreement is 2"},
      {"/fathom/depth_profile", json::parse(R"([{"skip_layers":0,"score":1,"half_width":-1}])"),
       "half_width is -1"},
      {"/fathom/depth_profile",
       json::parse(R"([{"skip_layers":1,"score":1},{"skip_layers":1,"score":1}])"),
       "depth_profile[1]: skip_layers is 1 after 1"},
  };
  for (const auto& test : cases) {
    json changed = good;
    changed[json::json_pointer(test.pointer)] = test.value;
    WriteBytes(path_ + "/adapter_config.json", changed.dump());
    ExpectRefused("adapter_config.json", test.message);
  }
  for (const char* text : {"", "[]", "{\"config\": NaN}", "{\"hidden_size\": 1e999}"}) {
    WriteBytes(path_ + "/adapter_config.json", text);
    ExpectRefused("adapter_config.json", "JSON");
  }
}

TEST_F(ChangedFolder, RefusesHeadConfigsByKeyAndValue) {
  const json good = json::parse(ReadBytes(path_ + "/head_config.json"));
  const struct {
    const char* pointer;
    json value;
    const char* message;
  } cases[] = {
      {"/hidden_size", 768, "hidden_size is 768"},
      {"/config/head_type", "causal_lm", "head_type is \"causal_lm\""},
      {"/config",
       {{"head_type", "tagging"}, {"num_labels", 2}, {"use_pooler", true}},
       "use_pooler is true"},
      {"/config/num_labels", 0, "num_labels is 0"},
      {"/config/layers", 17, "layers is 17"},
      {"/config/activation_function", "mish", "activation_function is \"mish\""},
      {"/config/label2id", {{"a", 0}, {"b", 0}}, "label2id is {\"a\":0,\"b\":0}"},
      {"/config/label2id", {{"a", 0}, {"b", 2}}, "label2id is"},
      {"/config/label2id", {{"a", 0}}, "label2id is"},
      {"/config/label2id", {{"a", 0}, {"b", "1"}}, "label2id is"},
      {"/config/bias", "yes", "bias is \"yes\""},
      {"/config", nullptr, "model_class is \"BertAdapterModel\""},
  };
  for (const auto& test : cases) {
    json changed = good;
    changed[json::json_pointer(test.pointer)] = test.value;
    WriteBytes(path_ + "/head_config.json", changed.dump());
    ExpectRefused("head_config.json", test.message);
  }
}

TEST_F(ChangedFolder, RefusesTensorsByName) {
  const std::string file = "adapter.safetensors";
  const TensorMap good = *ReadSafetensors(path_ + "/" + file);
  const std::string down = std::string(kModule) + "adapter_down.0.weight";
  const struct {
    std::function<void(TensorMap&)> change;
    const char* message;
  } cases[] = {
      {[&](TensorMap& t) { t.erase(down); },
       "layer.1.output.adapters.task.adapter_down.0.weight\" is missing, expected shape [4, 8]"},
      {[&](TensorMap& t) { t[down] = at::zeros({5, 8}); }, "has shape [5, 8], expected [4, 8]"},
      {[&](TensorMap& t) { t[down] = at::zeros({4, 8}, at::kInt); }, "holds Int"},
      {[&](TensorMap& t) { t["x.y"] = at::zeros({3}); }, "\"x.y\" of shape [3] is unexpected"},
      {[&](TensorMap& t) { t[std::string(kModule) + "gate.weight"] = at::zeros({1}); },
       "gate.weight\" of shape [1] is unexpected"},
      {[&](TensorMap& t) { t["bert.invertible_adapters.task.F.0.bias"] = at::zeros({1}); },
       "invertible adapters are not supported"},
      {[&](TensorMap& t) {
         t["bert.encoder.layer.2.output.adapters.task.adapter_up.bias"] = at::zeros({8});
       },
       "more layers than this one's 2"},
      {[&](TensorMap& t) { t[down.substr(5)] = t[down]; }, "is there twice"},
  };
  for (const auto& test : cases) {
    TensorMap changed = good;
    test.change(changed);
    ASSERT_TRUE(WriteSafetensors(path_ + "/changed", changed).ok());
    std::filesystem::rename(path_ + "/changed", path_ + "/" + file);
    ExpectRefused(file, test.message);
  }
}

TEST_F(ChangedFolder, RefusesHeadTensorsByName) {
  ChangeTensors("model_head.safetensors",
                [](TensorMap& t) { t["heads.task.4.weight"] = at::zeros({3, 8}); });
  ExpectRefused("model_head.safetensors",
                "\"heads.task.4.weight\" has shape [3, 8], expected [2, 8]");
  ChangeTensors("model_head.safetensors", [](TensorMap& t) {
    t["heads.task.4.weight"] = at::zeros({2, 8});
    t["heads.task.7.weight"] = at::zeros({2, 8});
  });
  ExpectRefused("model_head.safetensors", "\"heads.task.7.weight\" of shape [2, 8] is unexpected");
}

TEST_F(ChangedFolder, IgnoresOtherHeadsOfTheSameBeginning) {
  ChangeTensors("model_head.safetensors",
                [](TensorMap& t) { t["heads.task-2.1.weight"] = at::zeros({5, 8}); });
  EXPECT_TRUE(Read().ok()) << Read().status();
}

TEST_F(ChangedFolder, MissingFilesAreNotFoundByName) {
  std::filesystem::remove(path_ + "/model_head.safetensors");
  std::filesystem::remove(path_ + "/pytorch_model_head.bin");
  EXPECT_EQ(Read().status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(Read().status().message()), HasSubstr("pytorch_model_head.bin"));
  std::filesystem::remove(path_ + "/head_config.json");
  ASSERT_TRUE(Read().ok()) << Read().status();
  EXPECT_FALSE(Read()->head.has_value());
  std::filesystem::remove(path_ + "/adapter.safetensors");
  EXPECT_TRUE(Read().ok()) << Read().status();
  std::filesystem::remove(path_ + "/pytorch_adapter.bin");
  EXPECT_EQ(Read().status().code(), absl::StatusCode::kNotFound);
  std::filesystem::remove(path_ + "/adapter_config.json");
  EXPECT_THAT(std::string(Read().status().message()), HasSubstr("adapter_config.json"));
}

TEST_F(ChangedFolder, HeadWeightsWithoutAConfigAreRefused) {
  std::filesystem::remove(path_ + "/head_config.json");
  ExpectRefused("model_head.safetensors", "no head_config.json");
}

// --- older forms ---

TEST_F(ChangedFolder, ReadsAnOldConfigWithItsDefaults) {
  ChangeJson("adapter_config.json", [](json& file) {
    file.erase("version");
    file["type"] = "text_task";
    file["config"] = json::parse(R"({"ln_after":false,"ln_before":false,"mh_adapter":false,
      "output_adapter":true,"original_ln_before":true,"original_ln_after":true,
      "residual_before_ln":true,"adapter_residual_before_ln":false,"non_linearity":"gelu",
      "reduction_factor":2,"leave_out":null,
      "invertible_adapter":{"block_type":"nice","non_linearity":"relu","reduction_factor":2}})");
  });
  const auto read = Read();
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->architecture, "pfeiffer");
  EXPECT_EQ(read->adapter.layout.site(Place::kFfn)->activation, Activation::kGeluTanh);
  EXPECT_EQ(read->adapter.layout.site(Place::kFfn)->scaling, 1.0);
}

TEST_F(ChangedFolder, ReadsOldTensorNames) {
  ChangeTensors("adapter.safetensors", [](TensorMap& tensors) {
    TensorMap old;
    for (const auto& [name, tensor] : tensors) {
      std::string renamed = name;
      renamed.replace(name.find("adapters"), 8, "layer_text_task_adapters");
      old.emplace(renamed, tensor.clone());
    }
    tensors = old;
  });
  EXPECT_TRUE(Read().ok()) << Read().status();
}

TEST_F(ChangedFolder, ReadsANestedLeaveOut) {
  ChangeJson("adapter_config.json",
             [](json& file) { file["config"]["leave_out"] = json::parse("[[0]]"); });
  ChangeTensors("adapter.safetensors", [](TensorMap& tensors) {
    std::erase_if(
        tensors, [](const auto& item) { return item.first.find("layer.0.") != std::string::npos; });
  });
  const auto read = Read();
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(read->adapter.layout.left_out, ElementsAre(true, false));
}

TEST_F(ChangedFolder, ReadsAnOldHeadConfigWithItsDefaults) {
  ChangeJson("head_config.json", [](json& file) {
    file["config"] = {{"head_type", "classification"},
                      {"activation_function", "tanh"},
                      {"layers", 2},
                      {"num_labels", 2}};
  });
  const auto read = Read();
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(read->head->labels, ElementsAre("LABEL_0", "LABEL_1"));
  EXPECT_TRUE(read->head->layers[0].bias.defined());
}

TEST_F(ChangedFolder, LabelsAreOrderedByTheirIndex) {
  ChangeJson("head_config.json",
             [](json& file) { file["config"]["label2id"] = {{"zebra", 0}, {"ant", 1}}; });
  EXPECT_THAT(Read()->head->labels, ElementsAre("zebra", "ant"));
}

}  // namespace
}  // namespace fathom
