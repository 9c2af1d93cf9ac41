#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <caffe2/serialize/inline_container.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "runtime/model/tensor_file.h"
#include "runtime/model/tensor_pickle.h"
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

const char kLibraryFolders[] = FATHOM_SOURCE_DIR "/tests/golden/library_folders/";

TensorMap SomeTensors() {
  return {{"a.weight", at::arange(6, at::kFloat).reshape({2, 3})},
          {"half", at::ones({3}, at::kHalf)},
          {"ids", at::arange(70000, at::kLong)},
          {"mask", at::ones({3}, at::kBool)},
          {"scalar", at::ones({}, at::kFloat)},
          {"empty", at::zeros({0, 4}, at::kFloat)}};
}

TEST(TorchFile, ReadsWhatItWrote) {
  const std::string path = FreshFolder() + "/t.bin";
  ASSERT_TRUE(WriteTorchFile(path, SomeTensors()).ok());
  const auto tensors = ReadTorchFile(path);
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  ExpectEqual(*tensors, SomeTensors());
}

TEST(TorchFile, WritesOnlyTheElementsOfAView) {
  const std::string path = FreshFolder() + "/t.bin";
  const at::Tensor whole = at::arange(100000, at::kFloat);
  const at::Tensor few = whole.slice(0, 10, 20);
  ASSERT_TRUE(WriteTorchFile(path, {{"few", few}}).ok());
  EXPECT_LT(std::filesystem::file_size(path), 4000u);
  ExpectEqual(*ReadTorchFile(path), {{"few", few}});
}

TEST(TorchFile, ReadsAnOrderedDictOfPython) {
  const auto tensors = ReadTorchFile(std::string(kLibraryFolders) + "state_dict.bin");
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  ASSERT_EQ(tensors->size(), 2u);
  EXPECT_EQ(tensors->at("weight").sizes(), at::IntArrayRef({2, 3}));
  EXPECT_EQ(tensors->at("bias").sizes(), at::IntArrayRef({2}));
}

TEST(TorchFile, ReadsParametersViewsAndTiedTensorsOfPython) {
  const auto tensors = ReadTorchFile(std::string(kLibraryFolders) + "views.bin");
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  const at::Tensor expected = at::arange(6, at::kHalf).reshape({2, 3});
  EXPECT_EQ(tensors->at("parameter").sizes(), at::IntArrayRef({2, 3}));
  EXPECT_TRUE(at::equal(tensors->at("tied"), expected));
  EXPECT_TRUE(at::equal(tensors->at("view"), expected.t()));
  EXPECT_TRUE(at::equal(tensors->at("row"), expected[1]));
}

TEST(TorchFile, EveryTruncationIsRefused) {
  const std::string path = FreshFolder() + "/t.bin";
  ASSERT_TRUE(WriteTorchFile(path, {{"a", at::ones({3})}}).ok());
  const std::string bytes = ReadBytes(path);
  for (size_t size = 0; size < bytes.size(); size += 31) {
    WriteBytes(path, bytes.substr(0, size));
    const auto tensors = ReadTorchFile(path);
    EXPECT_EQ(tensors.status().code(), absl::StatusCode::kInvalidArgument) << size;
    EXPECT_THAT(std::string(tensors.status().message()), HasSubstr(path));
  }
}

TEST(TorchFile, NoFlippedByteEndsTheProcess) {
  const std::string path = FreshFolder() + "/t.bin";
  ASSERT_TRUE(WriteTorchFile(path, {{"a", at::ones({3})}, {"b", at::ones({2, 2})}}).ok());
  const std::string bytes = ReadBytes(path);
  int refused = 0;
  for (size_t i = 0; i < bytes.size(); i += 11) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x5a);
    WriteBytes(path, flipped);
    if (!ReadTorchFile(path).ok()) ++refused;
  }
  EXPECT_GT(refused, 20);  // the checksums of the zip see what is not padding
}

TEST(TorchFile, AFailedWriteLeavesTheOldFile) {
  const std::string folder = FreshFolder();
  const std::string path = folder + "/t.bin";
  ASSERT_TRUE(WriteTorchFile(path, {{"a", at::ones({3})}}).ok());
  const std::string before = ReadBytes(path);
  {
    FullDisk full(3000);
    const absl::Status status = WriteTorchFile(path, SomeTensors());
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  }
  EXPECT_EQ(ReadBytes(path), before);
  EXPECT_EQ(testing::CountFiles(folder), 1);
}

// --- hostile pickles ---

std::string Text(const std::string& text) {
  const auto size = static_cast<uint32_t>(text.size());
  return "X" + std::string(reinterpret_cast<const char*>(&size), sizeof(size)) + text;
}

std::string Number(int32_t value) {
  return "J" + std::string(reinterpret_cast<const char*>(&value), sizeof(value));
}

struct PickleFields {
  std::string type = "FloatStorage";
  std::string key = "0";
  std::string elements = Number(4);
  std::string offset = Number(0);
  std::string sizes = "(" + Number(2) + Number(2) + "t";
  std::string strides = "(" + Number(2) + Number(1) + "t";
};

// {"w": tensor}, as torch.save writes it.
std::string DictPickle(const PickleFields& f) {
  const std::string storage = "(" + Text("storage") + "ctorch\n" + f.type + "\n" + Text(f.key) +
                              Text("cpu") + f.elements + "tQ";
  return "\x80\x02}" + Text("w") + "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + f.offset +
         f.sizes + f.strides + "\x89" + "ccollections\nOrderedDict\n)RtRs.";
}

void WriteZip(const std::string& path, const std::string& pickle, const std::string& storage) {
  caffe2::serialize::PyTorchStreamWriter zip(path);
  zip.writeRecord("data.pkl", pickle.data(), pickle.size());
  zip.writeRecord("data/0", storage.data(), storage.size());
  zip.writeEndOfFile();
}

TEST(TorchFile, ReadsTheHandMadePickleThatTheNextTestBreaks) {
  const std::string path = FreshFolder() + "/t.bin";
  WriteZip(path, DictPickle({}), std::string(16, '\0'));
  ExpectEqual(*ReadTorchFile(path), {{"w", at::zeros({2, 2})}});
}

TEST(TorchFile, RefusesTensorsThatLeaveTheirStorage) {
  const std::string path = FreshFolder() + "/t.bin";
  const std::string min = Number(std::numeric_limits<int32_t>::min());
  const std::string max = Number(std::numeric_limits<int32_t>::max());
  const std::string long_max = "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f";
  const std::pair<PickleFields, const char*> cases[] = {
      {{.elements = Number(400)}, "tensor \"w\": shape [2, 2]"},  // more than the record has
      {{.elements = Number(3)}, "tensor \"w\": shape [2, 2]"},
      {{.elements = Number(-1)}, "tensor \"w\""},
      {{.offset = Number(1)}, "offset 1"},
      {{.offset = Number(-1)}, "offset -1"},
      {{.offset = long_max}, "offset 9223372036854775807"},
      {{.sizes = "(" + Number(-2) + Number(-2) + "t"}, "shape [-2, -2]"},
      {{.sizes = "(" + max + max + "t"}, "shape [2147483647, 2147483647]"},
      {{.sizes = "(" + long_max + long_max + "t"}, "shape [9223372036854775807"},
      {{.strides = "(" + Number(3) + Number(1) + "t"}, "strides [3, 1]"},
      {{.strides = "(" + min + Number(1) + "t"}, "strides [-2147483648, 1]"},
      {{.strides = "(" + long_max + long_max + "t"}, "strides [9223372036854775807"},
      {{.strides = "(" + Number(1) + "t"}, "strides [1]"},
      // An expanded view: 2^30 elements of a storage of 4.
      {{.sizes = "(" + Number(1 << 15) + Number(1 << 15) + "t",
        .strides = "(" + Number(0) + Number(0) + "t"},
       "shape [32768, 32768]"},
      {{.type = "DoubleStorage"}, "tensor \"w\""},
      {{.key = "1"}, "tensor \"w\": its record \"data/1\" is missing"},
      {{.key = "../data.pkl"}, "tensor \"w\": its record"},
  };
  for (const auto& [fields, message] : cases) {
    WriteZip(path, DictPickle(fields), std::string(16, '\0'));
    const auto tensors = ReadTorchFile(path);
    EXPECT_EQ(tensors.status().code(), absl::StatusCode::kInvalidArgument) << message;
    EXPECT_THAT(std::string(tensors.status().message()),
                AllOf(HasSubstr(path), HasSubstr(message)));
  }
}

TEST(TorchFile, RefusesBoolsThatAreNone) {
  const std::string path = FreshFolder() + "/t.bin";
  WriteZip(path, DictPickle({.type = "BoolStorage"}), std::string(4, '\7'));
  EXPECT_THAT(std::string(ReadTorchFile(path).status().message()), HasSubstr("neither 0 nor 1"));
}

TEST(TorchFile, RefusesOtherFilesByName) {
  const std::string path = FreshFolder() + "/t.bin";
  WriteBytes(path,
             "\x80\x02\x8a\x0al\xfc\x9c"
             "F\xf9 j\xa8P\x19.");  // torch 1.5 and older
  EXPECT_THAT(std::string(ReadTorchFile(path).status().message()),
              AllOf(HasSubstr(path), HasSubstr("before torch 1.6")));
  {
    caffe2::serialize::PyTorchStreamWriter zip(path);
    zip.writeRecord("other", "x", 1);
    zip.writeEndOfFile();
  }
  EXPECT_THAT(std::string(ReadTorchFile(path).status().message()), HasSubstr("no data.pkl"));
}

TEST(TensorPickle, RefusesEverythingButADictOfTensors) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "ends in the middle"},
      {"\x80\x02", "ends in the middle"},
      {"\x80\x05.", "newer protocol"},
      {".", "empty stack"},
      {"N.", "lacks a dict at its top"},
      {"cos\nsystem\n(" + Text("id") + "tR.", "names \"os.system\""},
      {"cbuiltins\neval\n.", "names \"builtins.eval\""},
      {"c" + std::string(100, 'a'), "does not end"},
      {"ctorch._utils\n_rebuild_tensor_v2\n)R.", "without its sizes"},
      {"ccollections\nOrderedDict\n(NtR.", "calls collections.OrderedDict in an unknown way"},
      {"ctorch\nFloatStorage\n)R.", "calls torch.FloatStorage"},
      {"i", "opcode 105"},
      {"\x93.", "opcode 147"},
      {"X\xff\xff\xff\xff.", "ends in the middle"},
      {"\x8a\x09\x01\x02\x03\x04\x05\x06\x07\x08\x09.", "more than 64 bits"},
      {"t.", "empty stack"},
      {"h\1.", "never stored"},
      {"q\1.", "empty stack"},
      {"(NNs.", "what is no dict"},
      {"}(Nu.", "key without a value"},
      {"}(NNu.", "no string"},
      {"}" + Text("a") + "Ns.", "holds \"a\", which is no tensor"},
      {"}q" + std::string(1, '\0') + Text("self") + "h" + std::string(1, '\0') + "s.",
       "holds \"self\""},
      {"(Q.", "lacks the tuple of a storage"},
      {")Q.", "a storage of another form"},
      {"}Nb", "ends in the middle"},
      {"NNb.", "lacks the dict"},
      {std::string(2 << 20, 'N') + ".", "too many values"},
  };
  for (const auto& [bytes, message] : cases) {
    const auto tensors = ParseTensorPickle(bytes);
    EXPECT_EQ(tensors.status().code(), absl::StatusCode::kInvalidArgument) << message;
    EXPECT_THAT(std::string(tensors.status().message()), HasSubstr(message));
  }
}

}  // namespace
}  // namespace fathom
