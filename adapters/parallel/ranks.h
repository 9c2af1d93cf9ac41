// Ranks: the processes of one data-parallel training run, joined by LibTorch's c10d (Gloo). They
// find each other by the environment variables that torchrun sets.
#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace fathom::training {

struct RankPlace {
  int rank = 0;
  int size = 1;
  std::string address;  // where rank 0 listens
  uint16_t port = 0;
  bool store_is_given = false;  // torchrun's agent already listens there
};

// RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT. Nothing without WORLD_SIZE, or where it is 1.
// INVALID_ARGUMENT names the variable that is absent or wrong.
absl::StatusOr<std::optional<RankPlace>> RankFromEnvironment();

// One thread.
class Ranks {
 public:
  // Waits until all ranks are there; the process ignores SIGPIPE from then on. UNAVAILABLE names
  // rank and address if they are not in time.
  static absl::StatusOr<std::unique_ptr<Ranks>> Join(
      const RankPlace& place, std::chrono::milliseconds timeout = std::chrono::minutes(30));
  ~Ranks();

  int rank() const;
  int size() const;
  bool is_first() const { return rank() == 0; }

  // Replaces `values` (equal shapes in all ranks) by the sum over the ranks, which is the
  // same bits in all of them. UNAVAILABLE if another rank has ended or does not answer in time.
  absl::Status Sum(at::Tensor& values);

 private:
  struct Impl;
  explicit Ranks(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace fathom::training
