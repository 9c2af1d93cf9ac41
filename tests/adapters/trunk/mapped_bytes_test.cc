#include "adapters/trunk/mapped_bytes.h"

#include <gtest/gtest.h>

#include <utility>

#include "adapters/trunk/available_memory.h"
#include "tests/support/file_testing.h"

namespace fathom::training {
namespace {

TEST(MappedBytes, MemoryIsZeroedAndMoves) {
  absl::StatusOr<MappedBytes> made = MappedBytes::InMemory(10000);
  ASSERT_TRUE(made.ok()) << made.status();
  MappedBytes bytes = *std::move(made);
  EXPECT_EQ(bytes.size(), 10000);
  EXPECT_EQ(bytes.data()[9999], std::byte{0});
  bytes.data()[9999] = std::byte{7};
  MappedBytes other;
  other = std::move(bytes);
  EXPECT_EQ(other.data()[9999], std::byte{7});
}

TEST(MappedBytes, MoreMemoryThanThereIsIsAnError) {
  const auto made = MappedBytes::InMemory(int64_t{1} << 60);
  EXPECT_EQ(made.status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(MappedBytes, AFileIsWrittenAndReadAgain) {
  const std::string path = fathom::testing::FreshFolder() + "/bytes";
  {
    const auto made = MappedBytes::InNewFile(path, 8192);
    ASSERT_TRUE(made.ok()) << made.status();
    made->data()[8191] = std::byte{9};
    EXPECT_FALSE(MappedBytes::InNewFile(path, 8192).ok()) << "it exists";
  }
  const auto read = MappedBytes::OfFile(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->size(), 8192);
  EXPECT_EQ(read->data()[8191], std::byte{9});
  EXPECT_EQ(MappedBytes::OfFile(path + "2").status().code(), absl::StatusCode::kNotFound);
}

TEST(MappedBytes, AFullDiskFailsAtOnceAndLeavesNoFile) {
  const std::string folder = fathom::testing::FreshFolder();
  const fathom::testing::FullDisk full(4096);
  const auto made = MappedBytes::InNewFile(folder + "/bytes", 1 << 20);
  EXPECT_EQ(made.status().code(), absl::StatusCode::kResourceExhausted) << made.status();
  EXPECT_NE(std::string(made.status().message()).find(folder), std::string::npos);
  EXPECT_EQ(fathom::testing::CountFiles(folder), 0);
}

TEST(AvailableMemory, IsKnownHere) { EXPECT_GT(AvailableMemoryBytes(), 1 << 20); }

}  // namespace
}  // namespace fathom::training
