#include "adapters/train/checkpoint.h"

#include <ATen/ops/full.h>
#include <ATen/ops/scalar_tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "runtime/file/mapped_file.h"
#include "tests/support/file_testing.h"

namespace fathom::training {
namespace {

using ::testing::HasSubstr;

Checkpoint Example(int64_t step) {
  Checkpoint checkpoint;
  checkpoint.settings = {{"seed", "1"}, {"method", "robust"}};
  checkpoint.step = step;
  checkpoint.skip_stream = "1 2 3";
  checkpoint.weights["adapter.0.ffn.down_bias"] = at::full({3}, static_cast<double>(step));
  checkpoint.optimizer["adapter.0.ffn.down_bias.exp_avg"] = at::full({3}, 0.5);
  checkpoint.optimizer["adapter.0.ffn.down_bias.step"] = at::scalar_tensor(step, at::kLong);
  checkpoint.best_weights["adapter.0.ffn.down_bias"] = at::full({3}, 2.0);
  checkpoint.best_score = 0.1 + 0.2;
  checkpoint.best_step = 4;
  checkpoint.evaluations_since_best = 2;
  checkpoint.divergence = {.steps = 7, .plateau = 0.1 + 0.2, .mean = 0.7, .above = 3};
  return checkpoint;
}

TEST(Checkpoint, ComesBackExactly) {
  const std::string path = fathom::testing::FreshFolder() + "/checkpoint";
  const Checkpoint written = Example(7);
  ASSERT_TRUE(WriteCheckpoint(path, written).ok());
  const auto read = ReadCheckpoint(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->settings, written.settings);
  EXPECT_EQ(read->step, 7);
  EXPECT_EQ(read->skip_stream, "1 2 3");
  EXPECT_EQ(read->best_score, written.best_score) << "to the last bit";
  EXPECT_EQ(read->best_step, 4);
  EXPECT_EQ(read->evaluations_since_best, 2);
  EXPECT_EQ(read->divergence, written.divergence) << "to the last bit";
  for (const auto& [from, to] : {std::pair(&written.weights, &read->weights),
                                 std::pair(&written.optimizer, &read->optimizer),
                                 std::pair(&written.best_weights, &read->best_weights)}) {
    ASSERT_EQ(from->size(), to->size());
    for (const auto& [name, tensor] : *from) EXPECT_TRUE(tensor.equal(to->at(name))) << name;
  }
}

TEST(Checkpoint, ATornFileIsRefusedByName) {
  const std::string path = fathom::testing::FreshFolder() + "/checkpoint";
  ASSERT_TRUE(WriteCheckpoint(path, Example(7)).ok());
  const std::string bytes = *ReadTextFile(path);
  for (size_t size : {size_t{0}, size_t{5}, bytes.size() / 2, bytes.size() - 1}) {
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        .write(bytes.data(), static_cast<long>(size));
    const auto read = ReadCheckpoint(path);
    EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument) << size;
    EXPECT_THAT(std::string(read.status().message()), HasSubstr(path)) << size;
  }
}

TEST(Checkpoint, AnotherSafetensorsFileIsNotACheckpoint) {
  const std::string path = fathom::testing::FreshFolder() + "/checkpoint";
  ASSERT_TRUE(WriteSafetensors(path, {{"x", at::full({2}, 1.0)}}).ok());
  EXPECT_EQ(ReadCheckpoint(path).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadCheckpoint(path + ".absent").status().code(), absl::StatusCode::kNotFound);
}

TEST(Checkpoint, AFullDiskLeavesThePreviousReadable) {
  const std::string folder = fathom::testing::FreshFolder();
  const std::string path = folder + "/checkpoint";
  ASSERT_TRUE(WriteCheckpoint(path, Example(1)).ok());
  absl::Status status;
  {
    const fathom::testing::FullDisk full(64);
    status = WriteCheckpoint(path, Example(2));
  }
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(ReadCheckpoint(path)->step, 1);
  EXPECT_EQ(fathom::testing::CountFiles(folder), 1) << "half a file was left";
}

TEST(Checkpoint, AKilledWriterLeavesOneThatIsReadable) {
  const std::string path = fathom::testing::FreshFolder() + "/checkpoint";
  int channel[2];
  ASSERT_EQ(pipe(channel), 0);
  const pid_t writer = fork();
  ASSERT_GE(writer, 0);
  if (writer == 0) {
    for (int64_t step = 1;; ++step) {
      if (!WriteCheckpoint(path, Example(step)).ok()) _exit(1);
      if (write(channel[1], "x", 1) != 1) _exit(1);
    }
  }
  close(channel[1]);
  char byte;
  for (int i = 0; i < 5; ++i) ASSERT_EQ(read(channel[0], &byte, 1), 1);
  kill(writer, SIGKILL);
  int status = 0;
  waitpid(writer, &status, 0);
  close(channel[0]);
  EXPECT_TRUE(WIFSIGNALED(status));
  const auto read_back = ReadCheckpoint(path);
  ASSERT_TRUE(read_back.ok()) << read_back.status();
  EXPECT_GE(read_back->step, 5);
}

}  // namespace
}  // namespace fathom::training
