#include "adapters/trunk/state_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/file_testing.h"

namespace fathom::training {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

StateFileHeader Header() {
  StateFileHeader header{.encoder = "e1", .data = "d1"};
  header.shape = {.tokens = 90, .texts = 9, .layers = 4, .hidden_size = 32};
  header.points = {{1, TapForm::kSum}, {3, TapForm::kClsSum}};
  return header;
}

constexpr int64_t kBytes = kStatePageBytes * (1 + 3 + 1);  // header, 90 and 9 rows of 128 bytes

class StateFileTest : public ::testing::Test {
 protected:
  void Write(const StateFileHeader& header) const {
    auto file = NewStateFile::Create(path_, kBytes);
    ASSERT_TRUE(file.ok()) << file.status();
    const MappedBytes bytes = (*file)->TakeBytes();
    bytes.data()[kBytes - 1] = std::byte{5};
    ASSERT_TRUE((*file)->Commit(header).ok());
  }

  const std::string folder_ = fathom::testing::FreshFolder();
  const std::string path_ = folder_ + "/states";
};

TEST_F(StateFileTest, IsReadAsWritten) {
  Write(Header());
  const auto found = OpenStateFile(path_);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->header.encoder, "e1");
  EXPECT_EQ(found->header.data, "d1");
  EXPECT_EQ(found->header.shape, Header().shape);
  EXPECT_EQ(found->header.points, Header().points);
  EXPECT_EQ(found->bytes.data()[kBytes - 1], std::byte{5});
  EXPECT_TRUE(CheckServes(path_, found->header, Header()).ok());
  EXPECT_EQ(fathom::testing::CountFiles(folder_), 1);
}

TEST_F(StateFileTest, NothingIsLeftWithoutACommit) {
  {
    const auto file = NewStateFile::Create(path_, kBytes);
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(fathom::testing::CountFiles(folder_), 1);
  }
  EXPECT_EQ(fathom::testing::CountFiles(folder_), 0);
  EXPECT_EQ(OpenStateFile(path_).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(StateFileTest, DamagedFilesAreNamed) {
  Write(Header());
  const std::string whole = fathom::testing::ReadBytes(path_);
  std::string other_header = whole;
  other_header[30] = 'x';
  for (const std::string& bytes : {std::string("not states"), whole.substr(0, whole.size() - 1),
                                   whole.substr(0, 40), other_header}) {
    fathom::testing::WriteBytes(path_, bytes);
    const absl::Status status = OpenStateFile(path_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(path_));
  }
}

TEST_F(StateFileTest, FilesOfOtherThingsAreRefusedAndBothNamed) {
  const auto refusal = [&](const auto& change) {
    StateFileHeader wanted = Header();
    change(wanted);
    const absl::Status status = CheckServes(path_, Header(), wanted);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    return std::string(status.message());
  };
  EXPECT_THAT(refusal([](StateFileHeader& header) { header.encoder = "e2"; }),
              AllOf(HasSubstr(path_), HasSubstr("encoder e1"), HasSubstr("e2")));
  EXPECT_THAT(refusal([](StateFileHeader& header) { header.data = "d2"; }),
              AllOf(HasSubstr("data set d1"), HasSubstr("d2")));
  EXPECT_THAT(
      refusal([](StateFileHeader& header) { header.shape.precision = TapPrecision::kBf16; }),
      AllOf(HasSubstr("fp32"), HasSubstr("bf16")));
  EXPECT_THAT(refusal([](StateFileHeader& header) { header.shape.pairs = true; }),
              HasSubstr("f and x"));
}

TEST(DatasetDigest, ChangesWithAnyId) {
  Dataset data;
  data.examples.resize(2);
  data.examples[0].text = {.ids = {1, 2, 3}, .segment_ids = {0, 0, 1}};
  data.examples[1].text = {.ids = {4}, .segment_ids = {0}};
  const std::string digest = DatasetDigest(data);
  EXPECT_EQ(DatasetDigest(data), digest);
  Dataset other = data;
  other.examples[0].text.segment_ids[1] = 1;
  EXPECT_NE(DatasetDigest(other), digest);
  other = data;
  other.examples[0].label = 1;
  EXPECT_EQ(DatasetDigest(other), digest) << "labels do not change the trunk";
  std::swap(other.examples[0], other.examples[1]);
  EXPECT_NE(DatasetDigest(other), digest);
}

}  // namespace
}  // namespace fathom::training
