#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>

#include "runtime/model/tensor_file.h"
#include "tests/support/file_testing.h"
#include "tests/support/tensor_maps.h"

namespace fathom {
namespace {

using ::testing::AllOf;
using testing::ExpectEqual;
using testing::FreshFolder;
using testing::FullDisk;
using ::testing::HasSubstr;
using testing::ReadBytes;
using testing::WriteBytes;

std::string File(const std::string& header, size_t data_bytes) {
  const uint64_t size = header.size();
  std::string bytes(sizeof(size), '\0');
  std::memcpy(bytes.data(), &size, sizeof(size));
  return bytes + header + std::string(data_bytes, '\1');
}

TensorMap SomeTensors() {
  return {{"a.weight", at::arange(6, at::kFloat).reshape({2, 3})},
          {"a.bias", at::ones({3}, at::kHalf)},
          {"b", at::ones({2, 2}, at::kBFloat16)},
          {"double", at::arange(3, at::kDouble)},
          {"ids", at::arange(5, at::kLong)},
          {"ints", at::arange(3, at::kInt)},
          {"bytes", at::arange(5, at::kByte)},
          {"mask", at::ones({3}, at::kBool)},
          {"scalar", at::ones({}, at::kFloat)},
          {"empty", at::zeros({0, 4}, at::kFloat)}};
}

TEST(Safetensors, ReadsWhatItWrote) {
  const std::string path = FreshFolder() + "/t.safetensors";
  ASSERT_TRUE(WriteSafetensors(path, SomeTensors()).ok());
  const auto tensors = ReadSafetensors(path);
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  ExpectEqual(*tensors, SomeTensors());
}

TEST(Safetensors, WritesViewsAsTheirOwnElements) {
  const std::string path = FreshFolder() + "/t.safetensors";
  const at::Tensor whole = at::arange(6, at::kFloat).reshape({2, 3});
  ASSERT_TRUE(WriteSafetensors(path, {{"t", whole.t()}, {"row", whole[1]}}).ok());
  ExpectEqual(*ReadSafetensors(path), {{"t", whole.t()}, {"row", whole[1]}});
}

TEST(Safetensors, TensorsOutliveTheFileAndTheMap) {
  const std::string folder = FreshFolder();
  const std::string path = folder + "/t.safetensors";
  ASSERT_TRUE(WriteSafetensors(path, SomeTensors()).ok());
  at::Tensor kept = ReadSafetensors(path)->at("a.weight");
  std::filesystem::remove_all(folder);
  EXPECT_TRUE(at::equal(kept, SomeTensors().at("a.weight")));
}

TEST(Safetensors, CopiesWhatIsMisaligned) {
  const std::string path = FreshFolder() + "/t.safetensors";
  // One byte first, so that the floats begin at an odd address.
  WriteBytes(path, File(R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                        R"("f":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}})",
                        9));
  const auto tensors = ReadSafetensors(path);
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  const at::Tensor& floats = tensors->at("f");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(floats.const_data_ptr()) % sizeof(float), 0u);
  EXPECT_EQ(std::string(static_cast<const char*>(floats.const_data_ptr()), 8),
            std::string(8, '\1'));
}

TEST(Safetensors, RefusesBrokenFilesByName) {
  const std::string folder = FreshFolder();
  const std::string ok = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";
  const struct {
    const char* name;
    std::string bytes;
    const char* message;
  } cases[] = {
      {"empty", "", "has 0 bytes"},
      {"short", "1234567", "has 7 bytes"},
      {"truncated header", File(std::string(50, ' '), 0).substr(0, 30), "header of 50 bytes"},
      {"huge header", std::string(8, '\xff') + "{}", "larger than the file"},
      {"no JSON", File("{\"a\":", 0), "header: not valid JSON"},
      {"array", File("[]", 0), "expected a JSON object"},
      {"entry is a list", File(R"({"a":[]})", 0),
       "tensor \"a\": its header entry is not an object"},
      {"duplicate", File("{\"a\":{" + ok + "},\"a\":{" + ok + "}}", 4), "repeats the key \"a\""},
      {"overlap", File("{\"a\":{" + ok + "},\"b\":{" + ok + "}}", 4),
       "inside the tensor before it"},
      {"partial overlap",
       File("{\"a\":{" + ok + R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})", 6),
       "tensor \"b\": begins at byte 2, inside the tensor before it"},
      {"gap", File(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8), "after a gap"},
      {"left over", File("{\"a\":{" + ok + "}}", 5), "the file has 5 data bytes"},
      {"beyond the end", File(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 4),
       "tensor \"a\": data_offsets [0, 8] are not inside the 4"},
      {"backwards", File(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4),
       "data_offsets [4, 0]"},
      {"negative offset", File(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", 4),
       "data_offsets is not [begin, end]"},
      {"three offsets", File(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}})", 4),
       "data_offsets is not [begin, end]"},
      {"offset overflow",
       File(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}})", 4),
       "data_offsets is not [begin, end]"},
      {"negative size", File(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4),
       "tensor \"a\": shape is not a list of sizes"},
      {"float size", File(R"({"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})", 4),
       "shape is not a list of sizes"},
      {"wrong size", File(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4),
       "shape [2] of F32 does not fill its 4 bytes"},
      {"product overflow",
       File(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", 0),
       "does not fill its 0 bytes"},
      {"too many dimensions",
       File(R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],)"
            R"("data_offsets":[0,1]}})",
            1),
       "more than 16 dimensions"},
      {"dtype", File(R"({"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})", 1),
       "tensor \"a\": dtype \"F8_E4M3\" is not supported"},
      {"no dtype", File(R"({"a":{"shape":[1],"data_offsets":[0,1]}})", 1), "dtype is missing"},
      {"bool", File(R"({"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})", 0) + "\1\2",
       "holds a BOOL that is neither 0 nor 1"},
  };
  for (const auto& test : cases) {
    const std::string path = folder + "/broken.safetensors";
    WriteBytes(path, test.bytes);
    const auto tensors = ReadSafetensors(path);
    EXPECT_EQ(tensors.status().code(), absl::StatusCode::kInvalidArgument) << test.name;
    EXPECT_THAT(std::string(tensors.status().message()),
                AllOf(HasSubstr(path), HasSubstr(test.message)))
        << test.name;
  }
}

TEST(Safetensors, EveryTruncationIsRefused) {
  const std::string path = FreshFolder() + "/t.safetensors";
  ASSERT_TRUE(WriteSafetensors(path, SomeTensors()).ok());
  const std::string bytes = ReadBytes(path);
  for (size_t size = 0; size < bytes.size(); size += 9) {
    WriteBytes(path, bytes.substr(0, size));
    EXPECT_FALSE(ReadSafetensors(path).ok()) << size;
  }
}

TEST(Safetensors, TellsAMissingFileFromOneThatIsNoFile) {
  const std::string folder = FreshFolder();
  EXPECT_EQ(ReadSafetensors(folder + "/none").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadSafetensors(folder).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Safetensors, AFailedWriteLeavesTheOldFile) {
  const std::string folder = FreshFolder();
  const std::string path = folder + "/t.safetensors";
  ASSERT_TRUE(WriteSafetensors(path, SomeTensors()).ok());
  const std::string before = ReadBytes(path);
  {
    FullDisk full(1000);
    const absl::Status status = WriteSafetensors(path, {{"big", at::ones({1000}, at::kFloat)}});
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  }
  EXPECT_EQ(ReadBytes(path), before);
  EXPECT_EQ(testing::CountFiles(folder), 1);  // and no temporary file
}

TEST(Safetensors, RefusesToWriteWhatItCouldNotRead) {
  const std::string folder = FreshFolder();
  const std::string path = folder + "/t.safetensors";
  EXPECT_FALSE(WriteSafetensors(path, {{"__metadata__", at::ones({1})}}).ok());
  EXPECT_FALSE(WriteSafetensors(path, {{"\xff", at::ones({1})}}).ok());
  EXPECT_FALSE(WriteSafetensors(path, {{"c", at::ones({1}, at::kComplexFloat)}}).ok());
  EXPECT_FALSE(WriteSafetensors(path, {{"undefined", at::Tensor()}}).ok());
  EXPECT_FALSE(WriteSafetensors(folder + "/none/t.safetensors", SomeTensors()).ok());
  EXPECT_EQ(testing::CountFiles(folder), 0);
}

// --- folders ---

TEST(ModelFolder, ReadsOneFileOrItsShards) {
  const std::string folder = FreshFolder();
  EXPECT_EQ(ReadModelFolder(folder).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(WriteSafetensors(folder + "/one.safetensors", {{"a", at::ones({1})}}).ok());
  ASSERT_TRUE(WriteSafetensors(folder + "/two.safetensors", {{"b", at::zeros({2})}}).ok());
  WriteBytes(folder + "/model.safetensors.index.json",
             R"({"metadata":{},"weight_map":{"a":"one.safetensors","b":"two.safetensors"}})");
  ExpectEqual(*ReadModelFolder(folder), {{"a", at::ones({1})}, {"b", at::zeros({2})}});

  ASSERT_TRUE(WriteSafetensors(folder + "/model.safetensors", {{"c", at::ones({3})}}).ok());
  ExpectEqual(*ReadModelFolder(folder), {{"c", at::ones({3})}});
}

TEST(ModelFolder, RefusesABrokenIndex) {
  const std::string folder = FreshFolder();
  ASSERT_TRUE(WriteSafetensors(folder + "/one.safetensors", {{"a", at::ones({1})}}).ok());
  ASSERT_TRUE(WriteSafetensors(folder + "/../outside.safetensors", {{"a", at::ones({1})}}).ok());
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "expected a JSON object"},
      {"{}", "weight_map is not an object"},
      {R"({"weight_map":{"a":1}})", "\"a\" is in 1"},
      {R"({"weight_map":{"a":"../outside.safetensors"}})", "in the same folder"},
      {R"({"weight_map":{"a":"/etc/x.safetensors"}})", "in the same folder"},
      {R"({"weight_map":{"a":"one.safetensors\u0000.safetensors"}})", "in the same folder"},
      {R"({"weight_map":{"b":"one.safetensors"}})", "tensor \"b\" is missing"},
      {R"({"weight_map":{"a":"none.safetensors"}})", "none.safetensors"},
  };
  for (const auto& [index, message] : cases) {
    WriteBytes(folder + "/model.safetensors.index.json", index);
    const auto tensors = ReadModelFolder(folder);
    EXPECT_THAT(std::string(tensors.status().message()),
                AllOf(HasSubstr(folder), HasSubstr(message)));
  }
}

}  // namespace
}  // namespace fathom
