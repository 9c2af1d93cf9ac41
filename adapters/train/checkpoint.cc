#include "adapters/train/checkpoint.h"

#include <ATen/ops/empty.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace fathom::training {
namespace {

using nlohmann::json;

constexpr int kVersion = 2;
// A tensor of bytes that holds the rest as JSON, so that the checkpoint stays one file.
constexpr const char* kStateTensor = "state";
constexpr const char* kWeights = "weights.";
constexpr const char* kOptimizer = "optimizer.";
constexpr const char* kBest = "best.";

at::Tensor ToBytes(const std::string& text) {
  at::Tensor bytes = at::empty({static_cast<int64_t>(text.size())}, at::kByte);
  std::memcpy(bytes.mutable_data_ptr<uint8_t>(), text.data(), text.size());
  return bytes;
}

std::string FromBytes(const at::Tensor& bytes) {
  const at::Tensor contiguous = bytes.contiguous();
  return std::string(reinterpret_cast<const char*>(contiguous.const_data_ptr<uint8_t>()),
                     static_cast<size_t>(contiguous.numel()));
}

void AddWithPrefix(const TensorMap& from, std::string_view prefix, TensorMap& to) {
  for (const auto& [name, tensor] : from) {
    to[std::string(prefix) + name] = tensor.detach().contiguous();
  }
}

// A copy of the tensors under `prefix`: the file they are views of may be replaced.
TensorMap TakePrefix(const TensorMap& from, std::string_view prefix) {
  TensorMap taken;
  for (const auto& [name, tensor] : from) {
    if (name.starts_with(prefix)) taken[name.substr(prefix.size())] = tensor.clone();
  }
  return taken;
}

json DivergenceJson(const DivergenceGuard::State& state) {
  return {{"steps", state.steps},
          {"plateau", state.plateau},
          {"mean", state.mean},
          {"above", state.above}};
}

DivergenceGuard::State ReadDivergence(const json& value) {
  return {.steps = value.at("steps").get<int64_t>(),
          .plateau = value.at("plateau").get<double>(),
          .mean = value.at("mean").get<double>(),
          .above = value.at("above").get<int64_t>()};
}

absl::Status Damaged(const std::string& path, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(path, " is not a readable checkpoint: ", what));
}

}  // namespace

absl::Status WriteCheckpoint(const std::string& path, const Checkpoint& checkpoint) {
  const json state = {{"version", kVersion},
                      {"settings", checkpoint.settings},
                      {"step", checkpoint.step},
                      {"skip_stream", checkpoint.skip_stream},
                      {"best_score", checkpoint.best_score},
                      {"best_step", checkpoint.best_step},
                      {"evaluations_since_best", checkpoint.evaluations_since_best},
                      {"divergence", DivergenceJson(checkpoint.divergence)}};
  TensorMap tensors;
  tensors[kStateTensor] = ToBytes(state.dump());
  AddWithPrefix(checkpoint.weights, kWeights, tensors);
  AddWithPrefix(checkpoint.optimizer, kOptimizer, tensors);
  AddWithPrefix(checkpoint.best_weights, kBest, tensors);
  return WriteSafetensors(path, tensors);
}

absl::StatusOr<Checkpoint> ReadCheckpoint(const std::string& path) {
  const absl::StatusOr<TensorMap> tensors = ReadSafetensors(path);
  if (absl::IsNotFound(tensors.status())) return tensors.status();
  if (!tensors.ok()) return Damaged(path, std::string(tensors.status().message()));
  const auto state_bytes = tensors->find(kStateTensor);
  if (state_bytes == tensors->end() || state_bytes->second.scalar_type() != at::kByte) {
    return Damaged(path, "it has no state");
  }
  Checkpoint checkpoint;
  try {
    const json state = json::parse(FromBytes(state_bytes->second));
    if (state.at("version").get<int>() != kVersion) {
      return Damaged(path, absl::StrCat("its version is not ", kVersion));
    }
    checkpoint.settings = state.at("settings").get<std::map<std::string, std::string>>();
    checkpoint.step = state.at("step").get<int64_t>();
    checkpoint.skip_stream = state.at("skip_stream").get<std::string>();
    checkpoint.best_score = state.at("best_score").get<double>();
    checkpoint.best_step = state.at("best_step").get<int64_t>();
    checkpoint.evaluations_since_best = state.at("evaluations_since_best").get<int64_t>();
    checkpoint.divergence = ReadDivergence(state.at("divergence"));
  } catch (const json::exception& error) {
    return Damaged(path, error.what());
  }
  checkpoint.weights = TakePrefix(*tensors, kWeights);
  checkpoint.optimizer = TakePrefix(*tensors, kOptimizer);
  checkpoint.best_weights = TakePrefix(*tensors, kBest);
  return checkpoint;
}

absl::Status CheckSameSettings(const std::map<std::string, std::string>& saved,
                               const std::map<std::string, std::string>& now) {
  for (const auto& [name, value] : now) {
    const auto found = saved.find(name);
    const std::string before = found == saved.end() ? "(absent)" : found->second;
    if (before != value) {
      return absl::FailedPreconditionError(
          absl::StrCat("the checkpoint was made with ", name, " ", before, ", this run has ", value,
                       "; resume with the same, or delete the checkpoint to start over"));
    }
  }
  return absl::OkStatus();
}

}  // namespace fathom::training
