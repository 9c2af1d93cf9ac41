#include "adapters/parallel/ranks.h"

#include <csignal>
#include <cstdlib>
#include <exception>
#include <limits>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace fathom::training {
namespace {

using Gloo = c10d::ProcessGroupGloo;

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

absl::StatusOr<int> IntegerVariable(const char* name, int least, int most) {
  const std::string text = Variable(name);
  int value = 0;
  if (absl::SimpleAtoi(text, &value) && value >= least && value <= most) return value;
  return absl::InvalidArgumentError(absl::StrCat("WORLD_SIZE is set, so ", name,
                                                 " must be a number from ", least, " to ", most,
                                                 "; it is '", text, "'"));
}

std::string Place(const RankPlace& place) {
  return absl::StrCat("rank ", place.rank, " of ", place.size, " (", place.address, ":", place.port,
                      ")");
}

c10::intrusive_ptr<Gloo::Options> MakeOptions(const RankPlace& place,
                                              std::chrono::milliseconds timeout) {
  auto options = Gloo::Options::create(timeout);
  const std::string interface = Variable("GLOO_SOCKET_IFNAME");
  const bool same_machine = place.address == "127.0.0.1" || place.address == "localhost";
  if (!interface.empty()) {
    options->devices.push_back(Gloo::createDeviceForInterface(interface));
  } else if (same_machine) {
    options->devices.push_back(Gloo::createDeviceForHostname(place.address));
  } else {
    options->devices.push_back(Gloo::createDefaultDevice());
  }
  return options;
}

}  // namespace

struct Ranks::Impl {
  RankPlace place;
  c10::intrusive_ptr<Gloo> group;
};

absl::StatusOr<std::optional<RankPlace>> RankFromEnvironment() {
  const std::string size_text = Variable("WORLD_SIZE");
  if (size_text.empty() || size_text == "1") return std::nullopt;
  constexpr int kMostRanks = 1 << 16;
  const absl::StatusOr<int> size = IntegerVariable("WORLD_SIZE", 1, kMostRanks);
  if (!size.ok()) return size.status();
  const absl::StatusOr<int> rank = IntegerVariable("RANK", 0, *size - 1);
  if (!rank.ok()) return rank.status();
  const absl::StatusOr<int> port =
      IntegerVariable("MASTER_PORT", 1, std::numeric_limits<uint16_t>::max());
  if (!port.ok()) return port.status();
  RankPlace place{.rank = *rank,
                  .size = *size,
                  .address = Variable("MASTER_ADDR"),
                  .port = static_cast<uint16_t>(*port),
                  .store_is_given = Variable("TORCHELASTIC_USE_AGENT_STORE") == "True"};
  if (place.address.empty()) {
    return absl::InvalidArgumentError("WORLD_SIZE is set, so MASTER_ADDR must name rank 0's host");
  }
  return place;
}

Ranks::Ranks(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ranks::~Ranks() = default;

absl::StatusOr<std::unique_ptr<Ranks>> Ranks::Join(const RankPlace& place,
                                                   std::chrono::milliseconds timeout) {
  // Writing to a rank that has ended must be an error of this one, not its end by a signal.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    c10d::TCPStoreOptions store_options;
    store_options.port = place.port;
    store_options.isServer = place.rank == 0 && !place.store_is_given;
    store_options.numWorkers = static_cast<size_t>(place.size);
    store_options.waitWorkers = false;
    store_options.timeout = timeout;
    auto store = c10::make_intrusive<c10d::TCPStore>(place.address, store_options);
    auto group =
        c10::make_intrusive<Gloo>(store, place.rank, place.size, MakeOptions(place, timeout));
    return std::unique_ptr<Ranks>(
        new Ranks(std::make_unique<Impl>(Impl{.place = place, .group = std::move(group)})));
  } catch (const std::exception& error) {
    return absl::UnavailableError(
        absl::StrCat(Place(place), " cannot join the others: ", error.what()));
  }
}

int Ranks::rank() const { return impl_->place.rank; }
int Ranks::size() const { return impl_->place.size; }

absl::Status Ranks::Sum(at::Tensor& values) {
  try {
    std::vector<at::Tensor> tensors = {values};
    impl_->group->allreduce(tensors)->wait();
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return absl::UnavailableError(absl::StrCat(
        Place(impl_->place), ": another rank has ended or does not answer (", error.what(),
        "). Start all ranks again with --resume to go on from the last checkpoint"));
  }
}

}  // namespace fathom::training
