#include "runtime/task/format/adapter_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "runtime/model/tensor_file.h"
#include "tests/support/file_testing.h"
#include "tests/runtime/task/adapter_testing.h"

namespace fathom {
namespace {

using ::testing::ElementsAre;
using testing::FreshFolder;
using ::testing::HasSubstr;
using testing::MakeFolder;
using testing::MakeHead;
using testing::MakePfeiffer;
using testing::ReadBytes;
using testing::SameAdapter;
using testing::SameHead;
using testing::TinyEncoder;

const char kLibraryFolders[] = FATHOM_SOURCE_DIR "/tests/golden/library_folders/";

AdapterFolder RoundTrip(const AdapterFolder& content, const EncoderConfig& encoder) {
  const std::string path = FreshFolder() + "/task";
  const absl::Status written = WriteAdapterFolder(path, content, encoder, {}, WeightDtype::kFp32);
  EXPECT_TRUE(written.ok()) << written;
  // The .bin alone must say the same as both.
  auto both = ReadAdapterFolder(path, encoder);
  for (const char* name : {"/adapter.safetensors", "/model_head.safetensors"}) {
    std::filesystem::remove(path + name);
  }
  auto bin = ReadAdapterFolder(path, encoder);
  EXPECT_TRUE(both.ok()) << both.status();
  EXPECT_TRUE(bin.ok()) << bin.status();
  if (!both.ok() || !bin.ok()) return {};
  EXPECT_TRUE(SameAdapter(both->adapter, bin->adapter));
  return *std::move(both);
}

TEST(AdapterFolder, EveryArchitectureReadsAsItWasWritten) {
  const EncoderConfig encoder = TinyEncoder(3, 8);
  const struct {
    const char* architecture;
    std::vector<Place> places;
    AdapterSite site;
    std::vector<int> widths;
  } cases[] = {
      {"pfeiffer",
       {Place::kFfn},
       {AdapterInput::kNormalizedSum, Activation::kRelu, 1.0},
       {4, 4, 4}},
      {"houlsby",
       {Place::kAttention, Place::kFfn},
       {AdapterInput::kDense, Activation::kSilu, 1.0},
       {2, 2, 2}},
      {"parallel", {Place::kFfn}, {AdapterInput::kResidual, Activation::kRelu, 4.0}, {4, 4, 4}},
      {"bottleneck",
       {Place::kAttention, Place::kFfn},
       {AdapterInput::kNormalizedSum, Activation::kGelu, 0.5},
       {4, 4, 4}},
      {"bottleneck",
       {Place::kAttention},
       {AdapterInput::kDense, Activation::kTanh, 1.0},
       {1, 1, 1}},
      {"pfeiffer",
       {Place::kFfn},
       {AdapterInput::kNormalizedSum, Activation::kGeluTanh, 1.0},
       {0, 3, 0}},
      {"pfeiffer",
       {Place::kFfn},
       {AdapterInput::kNormalizedSum, Activation::kLeakyRelu, 1.0},
       {5, 0, 16}},
      {"pfeiffer",
       {Place::kFfn},
       {AdapterInput::kNormalizedSum, Activation::kIdentity, 1.0},
       {7, 7, 7}},
  };
  for (const auto& test : cases) {
    const AdapterFolder written = MakeFolder(test.places, test.site, test.widths, encoder);
    const AdapterFolder read = RoundTrip(written, encoder);
    EXPECT_EQ(read.architecture, test.architecture);
    EXPECT_EQ(read.name, "task");
    EXPECT_TRUE(SameAdapter(read.adapter, written.adapter)) << test.architecture;
    EXPECT_FALSE(read.head.has_value());
    EXPECT_FALSE(read.training.has_value());
  }
}

TEST(AdapterFolder, EveryWidthSurvivesItsReductionFactor) {
  const EncoderConfig encoder = TinyEncoder(64, 48);
  std::vector<int> widths;
  for (int layer = 0; layer < encoder.layers; ++layer) widths.push_back(layer + 1);
  const AdapterFolder written = MakeFolder({Place::kFfn}, {}, widths, encoder);
  EXPECT_TRUE(SameAdapter(RoundTrip(written, encoder).adapter, written.adapter));
}

TEST(AdapterFolder, EveryHeadReadsAsItWasWritten) {
  const EncoderConfig encoder = TinyEncoder();
  std::vector<Head> heads = {
      MakeHead({"no", "yes"}, 1, Activation::kTanh, encoder),
      MakeHead({"z", "a", "m"}, 2, Activation::kTanh, encoder),
      MakeHead({"z", "a"}, 3, Activation::kRelu, encoder),
      MakeHead({"z", "a"}, 2, Activation::kIdentity, encoder),
      MakeHead({}, 1, Activation::kIdentity, encoder),
      MakeHead({}, 2, Activation::kTanh, encoder),
  };
  heads.push_back(heads[1]);
  heads.back().use_pooler = true;
  heads.back().layers.back().bias = at::Tensor();  // bias: false is of the last layer alone
  heads.push_back(MakeHead({"o", "b", "i"}, 1, Activation::kTanh, encoder));
  heads.back().kind = HeadKind::kTagging;
  heads.push_back(MakeHead({"a"}, 2, Activation::kTanh, encoder));
  heads.back().kind = HeadKind::kMultiLabel;
  for (const Head& head : heads) {
    AdapterFolder written = MakePfeiffer(encoder);
    written.head = head;
    const AdapterFolder read = RoundTrip(written, encoder);
    ASSERT_TRUE(read.head.has_value());
    EXPECT_TRUE(SameHead(*read.head, head)) << head.layers.size();
  }
}

TEST(AdapterFolder, TheTrainingRecordReadsAsItWasWritten) {
  const EncoderConfig encoder = TinyEncoder();
  AdapterFolder written = MakePfeiffer(encoder);
  written.training = TrainingRecord{
      .method = "robust",
      .trained_skip_layers = {0, 1},
      .profile = DepthProfile{.metric = "accuracy",
                              .points = {{0, 0.91, 1.0}, {1, 0.9, 0.95, 0.85, 0.02, 1.5, 4.0}, {2, 0.5}},
                              .majority_baseline = 0.5,
                              .samples = 872},
      .details_json = R"({"seed":7})",
      .encoder_fingerprint = "abc"};
  const AdapterFolder read = RoundTrip(written, encoder);
  ASSERT_TRUE(read.training.has_value());
  EXPECT_EQ(read.training->method, "robust");
  EXPECT_EQ(read.training->trained_skip_layers.first, 0);
  EXPECT_EQ(read.training->trained_skip_layers.last, 1);
  EXPECT_EQ(read.training->encoder_fingerprint, "abc");
  EXPECT_EQ(read.training->details_json, R"({"seed":7})");
  const std::optional<DepthProfile>& profile = read.training->profile;
  ASSERT_TRUE(profile.has_value());
  EXPECT_EQ(profile->metric, "accuracy");
  EXPECT_EQ(profile->majority_baseline, 0.5);
  EXPECT_EQ(profile->samples, 872);
  ASSERT_EQ(profile->points.size(), 3u);
  EXPECT_EQ(profile->points[1].skip_layers, 1);
  EXPECT_EQ(profile->points[1].score, 0.9);
  EXPECT_EQ(profile->points[1].agreement, 0.95);
  EXPECT_EQ(profile->points[1].macro_f1, 0.85);
  EXPECT_EQ(profile->points[1].half_width, 0.02);
  EXPECT_EQ(profile->points[1].ms_one_task, 1.5);
  EXPECT_EQ(profile->points[1].ms_eight_tasks, 4.0);
  EXPECT_EQ(profile->points[2].agreement, std::nullopt);
  EXPECT_EQ(profile->points[2].half_width, std::nullopt);
}

TEST(AdapterFolder, HalfPrecisionFilesReadAsFp32) {
  const EncoderConfig encoder = TinyEncoder();
  const AdapterFolder written = MakePfeiffer(encoder);
  const std::string path = FreshFolder() + "/task";
  ASSERT_TRUE(WriteAdapterFolder(path, written, encoder, {}, WeightDtype::kFp16).ok());
  EXPECT_EQ(ReadSafetensors(path + "/adapter.safetensors")->begin()->second.scalar_type(),
            at::kHalf);
  const auto read = ReadAdapterFolder(path, encoder);
  const at::Tensor& weight = read->adapter.module(1, Place::kFfn).down_weight;
  EXPECT_EQ(weight.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::equal(
      weight, written.adapter.module(1, Place::kFfn).down_weight.to(at::kHalf).to(at::kFloat)));
}

TEST(AdapterFolder, ReplacesAnOlderFolder) {
  const EncoderConfig encoder = TinyEncoder();
  const std::string parent = FreshFolder();
  AdapterFolder content = MakePfeiffer(encoder);
  content.head = MakeHead({"a", "b"}, 1, Activation::kTanh, encoder);
  ASSERT_TRUE(WriteAdapterFolder(parent + "/task/", content, encoder, {}, WeightDtype::kFp32).ok());
  content = MakePfeiffer(encoder);
  ASSERT_TRUE(WriteAdapterFolder(parent + "/task", content, encoder, {}, WeightDtype::kFp32).ok());
  const auto read = ReadAdapterFolder(parent + "/task", encoder);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(SameAdapter(read->adapter, content.adapter));
  EXPECT_FALSE(read->head.has_value());  // nothing of the old folder stays
  EXPECT_EQ(testing::CountFiles(parent), 1);
}

TEST(AdapterFolder, AFailedWriteLeavesTheOldFolder) {
  const EncoderConfig encoder = TinyEncoder();
  const std::string parent = FreshFolder();
  const AdapterFolder old = MakePfeiffer(encoder);
  ASSERT_TRUE(WriteAdapterFolder(parent + "/task", old, encoder, {}, WeightDtype::kFp32).ok());
  {
    testing::FullDisk full(1000);
    EXPECT_FALSE(
        WriteAdapterFolder(parent + "/task", MakePfeiffer(encoder), encoder, {}, WeightDtype::kFp32)
            .ok());
  }
  EXPECT_TRUE(SameAdapter(ReadAdapterFolder(parent + "/task", encoder)->adapter, old.adapter));
  EXPECT_EQ(testing::CountFiles(parent), 1);

  testing::WriteBytes(parent + "/file", "x");
  for (const char* bad : {"/file", "/file/task", "/none/task"}) {
    const absl::Status status =
        WriteAdapterFolder(parent + bad, old, encoder, {}, WeightDtype::kFp32);
    EXPECT_FALSE(status.ok()) << bad;
    EXPECT_THAT(std::string(status.message()), HasSubstr(parent + bad));
  }
  EXPECT_EQ(ReadBytes(parent + "/file"), "x");
}

TEST(AdapterFolder, RefusesToWriteWhatItCouldNotRead) {
  const EncoderConfig encoder = TinyEncoder();
  using Change = void (*)(AdapterFolder&);
  const std::pair<Change, const char*> cases[] = {
      {[](AdapterFolder& f) { f.name = "a.b"; }, "without dots"},
      {[](AdapterFolder& f) { f.adapter.modules.pop_back(); }, "has 1 layers, the encoder 2"},
      {[](AdapterFolder& f) { f.adapter.modules[1][1].reset(); }, "a module is missing"},
      {[](AdapterFolder& f) { f.adapter.modules[1][1]->up_bias = at::Tensor(); }, "layer 1"},
      {[](AdapterFolder& f) { f.adapter.layout.sites = {}; }, "no site"},
      {[](AdapterFolder& f) { f.head->labels = {"a", "a"}; }, "all distinct"},
      {[](AdapterFolder& f) { f.head->layers.clear(); }, "no layers"},
      {[](AdapterFolder& f) { f.training->details_json = "[]"; }, "details"},
      {[](AdapterFolder& f) { f.training->profile->points[0].score = NAN; }, "not finite"},
  };
  const std::string parent = FreshFolder();
  for (const auto& [change, message] : cases) {
    AdapterFolder content = MakePfeiffer(encoder);
    content.head = MakeHead({"a", "b"}, 1, Activation::kTanh, encoder);
    content.training.emplace().profile.emplace().points = {{0, 1.0, std::nullopt}};
    change(content);
    const absl::Status status =
        WriteAdapterFolder(parent + "/task", content, encoder, {}, WeightDtype::kFp32);
    EXPECT_THAT(std::string(status.message()), HasSubstr(message));
  }
  EXPECT_EQ(testing::CountFiles(parent), 0);
}

// --- folders that the Python library wrote (tests/golden/make_library_folders.py) ---

TEST(LibraryFolder, ReadsThePfeifferAdapterAndItsHead) {
  const auto read = ReadAdapterFolder(std::string(kLibraryFolders) + "pfeiffer", TinyEncoder());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->architecture, "pfeiffer");
  EXPECT_EQ(read->adapter.layout.site(Place::kFfn)->activation, Activation::kGelu);
  EXPECT_EQ(read->adapter.module(1, Place::kFfn).down_weight.sizes(), at::IntArrayRef({4, 8}));
  ASSERT_TRUE(read->head.has_value());
  EXPECT_EQ(read->head->layers.size(), 2u);
  EXPECT_THAT(read->head->labels, ElementsAre("no", "maybe", "yes"));
}

TEST(LibraryFolder, ReadsTheHoulsbyAdapterAndItsRegressionHead) {
  const auto read = ReadAdapterFolder(std::string(kLibraryFolders) + "houlsby", TinyEncoder());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->architecture, "houlsby");
  EXPECT_EQ(read->adapter.module(0, Place::kAttention).down_bias.size(0), 2);
  EXPECT_EQ(read->adapter.module(1, Place::kAttention).down_bias.size(0), 4);
  ASSERT_TRUE(read->head.has_value());
  EXPECT_EQ(read->head->kind, HeadKind::kRegression);
  EXPECT_TRUE(read->head->use_pooler);
  EXPECT_EQ(read->head->activation, Activation::kIdentity);
}

TEST(LibraryFolder, ReadsTheParallelAdapter) {
  const auto read = ReadAdapterFolder(std::string(kLibraryFolders) + "parallel", TinyEncoder());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->architecture, "parallel");
  EXPECT_EQ(read->adapter.layout.site(Place::kFfn)->scaling, 4.0);
  EXPECT_FALSE(read->adapter.layout.HasModule(0, Place::kFfn));
  EXPECT_EQ(read->adapter.module(1, Place::kFfn).down_bias.size(0), 2);
  EXPECT_FALSE(read->head.has_value());
}

TEST(LibraryFolder, ReadsAStaticHead) {
  const auto read = ReadAdapterFolder(std::string(kLibraryFolders) + "static", TinyEncoder());
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_TRUE(read->head.has_value());
  EXPECT_TRUE(read->head->use_pooler);
  EXPECT_EQ(read->head->layers.size(), 1u);
  EXPECT_THAT(read->head->labels, ElementsAre("LABEL_0", "LABEL_1"));
}

TEST(LibraryFolder, ReadsNamesWithoutTheModelPrefix) {
  const std::string path = std::string(kLibraryFolders) + "bare";
  EXPECT_TRUE(ReadSafetensors(path + "/adapter.safetensors")
                  ->begin()
                  ->first.starts_with("encoder.layer.0."));
  const auto read = ReadAdapterFolder(path, TinyEncoder());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->name, "bare");
}

TEST(LibraryFolder, BothKindsOfWeightFilesHoldTheSame) {
  for (const char* name : {"pfeiffer", "houlsby", "parallel", "static", "bare"}) {
    const std::string path = std::string(kLibraryFolders) + name;
    const auto safe = ReadSafetensors(path + "/adapter.safetensors");
    const auto torch = ReadTorchFile(path + "/pytorch_adapter.bin");
    ASSERT_TRUE(safe.ok() && torch.ok()) << safe.status() << torch.status();
    ASSERT_EQ(safe->size(), torch->size());
    for (const auto& [key, tensor] : *safe) EXPECT_TRUE(at::equal(tensor, torch->at(key))) << key;
  }
}

}  // namespace
}  // namespace fathom
