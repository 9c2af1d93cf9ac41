// Folders of fusions: written and read back, served from a store, and refused after one change.
#include "runtime/task/format/fusion_folder.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "runtime/model/tensor_file.h"
#include "runtime/task/pack_weights.h"
#include "runtime/task/task_store.h"
#include "tests/runtime/task/adapter_testing.h"
#include "tests/support/file_testing.h"
#include "tests/support/random_model.h"

namespace fathom {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::FreshFolder;
using ::testing::HasSubstr;
using testing::ReadBytes;
using testing::SameAdapter;
using testing::SameHead;
using testing::WriteBytes;

bool SameTensor(const at::Tensor& a, const at::Tensor& b) {
  return a.defined() == b.defined() && (!a.defined() || at::equal(a, b));
}

bool SameFusion(const Fusion& a, const Fusion& b) {
  if (a.member_names != b.member_names || a.layers.size() != b.layers.size()) return false;
  for (size_t j = 0; j < a.members.size(); ++j) {
    if (!SameAdapter(a.members[j], b.members[j])) return false;
  }
  for (size_t layer = 0; layer < a.layers.size(); ++layer) {
    for (size_t place = 0; place < kPlaceCount; ++place) {
      const auto& left = a.layers[layer][place];
      const auto& right = b.layers[layer][place];
      if (left.has_value() != right.has_value()) return false;
      if (left && !(SameTensor(left->query_weight, right->query_weight) &&
                    SameTensor(left->query_bias, right->query_bias) &&
                    SameTensor(left->key_weight, right->key_weight) &&
                    SameTensor(left->key_bias, right->key_bias) &&
                    SameTensor(left->value_weight, right->value_weight))) {
        return false;
      }
    }
  }
  return true;
}

bool SameModules(const Adapter& a, const Adapter& b) {
  for (size_t layer = 0; layer < a.fusions.size(); ++layer) {
    for (size_t place = 0; place < kPlaceCount; ++place) {
      const auto& left = a.fusions[layer][place];
      const auto& right = b.fusions[layer][place];
      if (left.has_value() != right.has_value()) return false;
      if (left && !(at::equal(left->read_weight, right->read_weight) &&
                    at::equal(left->read_bias, right->read_bias) &&
                    at::equal(left->write_weight, right->write_weight))) {
        return false;
      }
    }
  }
  return a.fusions.size() == b.fusions.size();
}

class FusionFolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = FreshFolder();
    path_ = root_ + "/task";
    content_.head = RandomHead(config_.hidden_size, {"no", "yes"}, 3);
    content_.training.emplace().method = "robust fusion";
    content_.training->trained_skip_layers = {0, 3};
    content_.training->encoder_fingerprint = encoder_->fingerprint();
    Fuse({{PfeifferLayout(4), PfeifferLayout(4, {1}), PfeifferLayout(4)}, {4, 8, 2}});
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Fuse(const FusionDesign& design) {
    content_.fusion = RandomFusion(design, config_.hidden_size, 5);
  }
  void Write(WeightDtype dtype = WeightDtype::kFp32) const {
    const absl::Status status = WriteFusionFolder(path_, content_, config_, {}, dtype);
    ASSERT_TRUE(status.ok()) << status;
  }
  void ExpectReadBack() const {
    const auto read = ReadFusionFolder(path_, config_);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_TRUE(SameFusion(read->fusion, content_.fusion));
    EXPECT_TRUE(SameHead(*read->head, *content_.head));
  }
  void ChangeJson(const std::string& file, const std::function<void(json&)>& change) {
    json value = json::parse(ReadBytes(path_ + "/" + file));
    change(value);
    WriteBytes(path_ + "/" + file, value.dump());
  }
  void ExpectRefused(const std::string& file, const std::string& message) const {
    const auto read = ReadFusionFolder(path_, config_);
    EXPECT_FALSE(read.ok()) << message;
    EXPECT_THAT(std::string(read.status().message()), AllOf(HasSubstr(file), HasSubstr(message)));
  }
  TaskStore Load() const {
    auto store = TaskStore::Load(root_, *encoder_, cache_);
    EXPECT_TRUE(store.ok()) << store.status();
    return *std::move(store);
  }

  const EncoderConfig config_ = SmallEncoderConfig();
  const std::shared_ptr<const Encoder> encoder_ = RandomEncoder(config_, 1);
  const std::shared_ptr<WeightCache> cache_ = std::make_shared<WeightCache>(int64_t{1} << 30);
  FusionFolder content_;
  std::string root_;
  std::string path_;
};

TEST_F(FusionFolderTest, ReadsWhatWasWritten) {
  EXPECT_FALSE(IsFusionFolder(path_));
  Write();
  EXPECT_TRUE(IsFusionFolder(path_));
  ExpectReadBack();
  const auto read = ReadFusionFolder(path_, config_);
  EXPECT_EQ(read->name, "a,b,c");
  EXPECT_EQ(read->training->method, "robust fusion");
  EXPECT_EQ(read->training->trained_skip_layers.last, 3);
  for (const char* folder : {"a", "b", "c", "a,b,c"}) {
    std::filesystem::remove(path_ + "/" + folder + "/adapter.safetensors");
    std::filesystem::remove(path_ + "/" + folder + "/model_adapter_fusion.safetensors");
    std::filesystem::remove(path_ + "/" + folder + "/model_head.safetensors");
  }
  ExpectReadBack();  // the .bin files
}

TEST_F(FusionFolderTest, ReadsEveryKind) {
  const FusionDesign designs[] = {
      {{HoulsbyLayout(4), HoulsbyLayout(4)}, {4, 8}},
      {{PfeifferLayout(4), PfeifferLayout(4)}, {4, 4}, /*has_value=*/false},
      {{PfeifferLayout(4, {0, 2}), PfeifferLayout(4, {0, 1}), PfeifferLayout(4, {0, 3})},
       {4, 8, 2}},
      {{PfeifferLayout(4), PfeifferLayout(4, {0, 1, 2, 3})}, {4, 8}},
      {{PfeifferLayout(4)}, {4}},
  };
  for (const FusionDesign& design : designs) {
    Fuse(design);
    Write();
    ExpectReadBack();
  }
}

TEST_F(FusionFolderTest, KeepsANameOfItsOwn) {
  content_.name = "all three";
  Write();
  EXPECT_EQ(ReadFusionFolder(path_, config_)->name, "all three");
  ExpectReadBack();
}

// Written again, they are equal; check_written_fusion.py opens them in the library.
TEST_F(FusionFolderTest, WritesTheLibrarysFoldersAgain) {
  const char* wanted = std::getenv("FATHOM_WRITTEN_FUSIONS");
  const std::string parent = wanted == nullptr || *wanted == 0 ? root_ : wanted;
  for (const char* name : {"pfeiffer", "houlsby", "static", "pruned"}) {
    const auto library = ReadFusionFolder(
        std::string(FATHOM_SOURCE_DIR "/tests/golden/fusions/tasks/") + name, config_);
    ASSERT_TRUE(library.ok()) << library.status();
    EXPECT_TRUE(RunsInLibrary(library->fusion));
    path_ = parent + "/" + name;
    content_ = *library;
    Write();
    ExpectReadBack();
  }
}

TEST_F(FusionFolderTest, KnowsWhetherTheLibraryCanRunIt) {
  EXPECT_TRUE(RunsInLibrary(content_.fusion));
  Fuse({{PfeifferLayout(4), PfeifferLayout(4, {1})}, {4, 4}});
  EXPECT_FALSE(RunsInLibrary(content_.fusion));
  Fuse({{PfeifferLayout(4, {1}), PfeifferLayout(4, {1})}, {4, 4}});
  EXPECT_TRUE(RunsInLibrary(content_.fusion));
}

TEST_F(FusionFolderTest, IsServedAsATask) {
  Write();
  const TaskStore store = Load();
  const auto task = store.Find("task", 0);
  ASSERT_TRUE(task.ok()) << task.status();
  EXPECT_EQ((*task)->info().architecture, "fusion");
  EXPECT_EQ((*task)->info().method, "robust fusion");
  EXPECT_EQ((*task)->info().labels, content_.head->labels);
  EXPECT_EQ((*task)->bottleneck(0), 24);  // (3 · 14 + 2 · 3) / 2
  EXPECT_EQ((*task)->bottleneck(1), 11);  // (3 · 6 + 2 · 2) / 2
  EXPECT_EQ(cache_->counts().bytes, 0);   // not before it is asked for
  const auto weights = (*task)->Pin();
  ASSERT_TRUE(weights.ok()) << weights.status();
  const Adapter absorbed = AbsorbFusion(content_.fusion);
  EXPECT_TRUE(SameModules((*weights)->adapter, absorbed));
  EXPECT_TRUE(SameHead((*weights)->head, *content_.head));
  EXPECT_EQ(cache_->counts().bytes, PackedBytes(absorbed, &*content_.head));
}

TEST_F(FusionFolderTest, ServesHalfPrecision) {
  Write(WeightDtype::kFp16);
  const TaskStore store = Load();
  const auto weights = (*store.Find("task", 0))->Pin();
  ASSERT_TRUE(weights.ok()) << weights.status();
  EXPECT_TRUE(
      SameModules((*weights)->adapter, AbsorbFusion(ReadFusionFolder(path_, config_)->fusion)));
}

TEST_F(FusionFolderTest, MembersNamedByNumbersAreNoVersions) {
  content_.fusion.member_names = {"1", "2", "3"};
  Write();
  EXPECT_TRUE(Load().Find("task", 0).ok());
}

TEST_F(FusionFolderTest, AFileThatChangedIsSeen) {
  Write();
  const TaskStore store = Load();
  const std::string file = path_ + "/b/adapter.safetensors";
  std::string bytes = ReadBytes(file);
  bytes.push_back('x');
  WriteBytes(file, bytes);
  const auto weights = (*store.Find("task", 0))->Pin();
  EXPECT_EQ(weights.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(weights.status().message()),
              AllOf(HasSubstr("b/adapter.safetensors"), HasSubstr("has changed")));
}

TEST_F(FusionFolderTest, AFailedWriteLeavesTheOldFolder) {
  Write();
  FusionFolder other = content_;
  other.fusion = RandomFusion({{PfeifferLayout(4)}, {4}}, config_.hidden_size, 6);
  {
    testing::FullDisk full(5000);
    EXPECT_FALSE(WriteFusionFolder(path_, other, config_, {}, WeightDtype::kFp32).ok());
  }
  ExpectReadBack();
  EXPECT_EQ(testing::CountFiles(root_), 1);
}

struct Refusal {
  const char* file;
  void (*change)(json&);
  const char* message;
};

TEST_F(FusionFolderTest, RefusesWhatItDoesNotCompute) {
  const Refusal refusals[] = {
      {"a,b,c/adapter_fusion_config.json", [](json& f) { f["config"]["temperature"] = true; },
       "temperature is true, expected false"},
      {"a,b,c/adapter_fusion_config.json", [](json& f) { f["config"]["residual_before"] = true; },
       "residual_before is true"},
      {"a,b,c/adapter_fusion_config.json", [](json& f) { f["config"]["query_before_ln"] = true; },
       "query_before_ln is true"},
      {"a,b,c/adapter_fusion_config.json", [](json& f) { f["config"]["key"] = false; },
       "key is false"},
      {"a,b,c/adapter_fusion_config.json", [](json& f) { f["hidden_size"] = 768; },
       "hidden_size is 768, expected 32"},
      {"a,b,c/model_adapter_fusion.safetensors", nullptr, "is missing"},
      {"adapter_setup.json", [](json& f) { f["adapter_setup"]["type"] = "Stack"; },
       "type is \"Stack\", expected \"Fuse\""},
      {"adapter_setup.json", [](json& f) { f["adapter_setup"]["children"][1]["type"] = "Stack"; },
       "expected single adapters"},
      {"adapter_setup.json",
       [](json& f) { f["adapter_setup"]["children"][1]["children"][0] = "../b"; },
       "expected single adapters"},
      {"adapter_setup.json",
       [](json& f) { f["adapter_setup"]["children"][1]["children"][0] = "a"; },
       "expected each adapter once"},
      {"adapter_setup.json", [](json& f) { f["adapter_setup"]["children"] = json::array(); },
       "children is [], expected a list of adapters"},
      {"adapter_setup.json",
       [](json& f) {
         f["head_setup"] = {"x", "y"};
       },
       "expected one head"},
      {"adapter_setup.json", [](json& f) { f["head_setup"] = "a"; }, "holds no head_config.json"},
      {"adapter_setup.json",
       [](json& f) {
         f["fathom"]["trained_skip_layers"] = {3, 9};
       },
       "trained_skip_layers"},
      {"b/adapter_config.json", [](json& f) { f["config"]["mh_adapter"] = true; },
       "\"a\" is at FFN (output_adapter), \"b\" at attention (mh_adapter) and FFN"},
      {"b/adapter_config.json", [](json& f) { f["config"]["original_ln_before"] = false; },
       "\"b\" the dense output"},
      {"b/adapter_config.json", [](json& f) { f["config"]["is_parallel"] = true; },
       "is_parallel is true"},
      {"b/adapter_config.json", [](json& f) { f["hidden_size"] = 768; }, "hidden_size is 768"},
      {"b/adapter_config.json", [](json& f) { f["name"] = "x"; }, "name is \"x\", expected \"b\""},
  };
  for (const Refusal& refusal : refusals) {
    Write();
    if (refusal.change == nullptr) {
      TensorMap tensors = *ReadSafetensors(path_ + "/" + refusal.file);
      tensors.erase("bert.encoder.layer.2.output.adapter_fusion_layer.a,b,c.value.weight");
      ASSERT_TRUE(WriteSafetensors(path_ + "/" + refusal.file, tensors).ok());
    } else {
      ChangeJson(refusal.file, refusal.change);
    }
    // A member is named by its folder where two of them do not fit together.
    const bool is_of_member = refusal.file[0] == 'b';
    ExpectRefused(is_of_member ? "/b" : refusal.file, refusal.message);
  }
  Write();
  std::filesystem::remove_all(path_ + "/c");
  ExpectRefused("c/adapter_config.json", "");
}

TEST_F(FusionFolderTest, AcceptsWhatChangesNothing) {
  Write();
  ChangeJson("a,b,c/adapter_fusion_config.json",
             [](json& f) { f["config"]["value_before_softmax"] = false; });
  ChangeJson("adapter_setup.json", [](json& f) { f["head_setup"] = json::array({"a,b,c"}); });
  // The library also saves layers where no adapter stands, and fusions whose names begin alike.
  const std::string file = path_ + "/a,b,c/model_adapter_fusion.safetensors";
  TensorMap tensors = *ReadSafetensors(file);
  tensors["bert.encoder.layer.0.attention.output.adapter_fusion_layer.a,b,c.query.bias"] =
      at::zeros({32});
  tensors["bert.encoder.layer.0.output.adapter_fusion_layer.a,b,c,d.query.bias"] = at::zeros({32});
  ASSERT_TRUE(WriteSafetensors(file, tensors).ok());
  ExpectReadBack();
}

TEST_F(FusionFolderTest, RefusesToWriteWhatItCouldNotRead) {
  using Change = void (*)(FusionFolder&);
  const std::pair<Change, const char*> cases[] = {
      {[](FusionFolder& f) { f.fusion.member_names[1] = f.fusion.member_names[0]; }, "one name"},
      {[](FusionFolder& f) { f.fusion.member_names[1] = "a,b"; }, "without dots"},
      {[](FusionFolder& f) { f.fusion.member_names.pop_back(); }, "has 2 names"},
      {[](FusionFolder& f) { f.name = "../x"; }, "the fusion's name"},
      {[](FusionFolder& f) { f.name = f.fusion.member_names[0]; }, "is no adapter's"},
      {[](FusionFolder& f) { f.fusion.layers.pop_back(); }, "the fusion has 3 layers"},
      {[](FusionFolder& f) { f.fusion.layers[2][1].reset(); }, "layer 2"},
      {[](FusionFolder& f) { f.fusion.layers[2][1]->value_weight = at::Tensor(); }, "value matrix"},
      {[](FusionFolder& f) { f.fusion.members[1].modules[0][1].reset(); }, "adapter \"b\""},
      {[](FusionFolder& f) { f.fusion.members[1].layout = ParallelLayout(4, {1}); }, "is_parallel"},
      {[](FusionFolder& f) {
         f.head->labels = {"a", "a"};
       },
       "all distinct"},
  };
  for (const auto& [change, message] : cases) {
    FusionFolder content = content_;
    change(content);
    const absl::Status status = WriteFusionFolder(path_, content, config_, {}, WeightDtype::kFp32);
    EXPECT_THAT(std::string(status.message()), HasSubstr(message));
  }
  EXPECT_EQ(testing::CountFiles(root_), 0);
}

}  // namespace
}  // namespace fathom
