#include "runtime/task/activation.h"

#include <array>
#include <utility>

namespace fathom {
namespace {

// The first name of an activation is the one that is written.
constexpr std::array<std::pair<std::string_view, Activation>, 11> kNames = {{
    {"linear", Activation::kIdentity},
    {"relu", Activation::kRelu},
    {"gelu", Activation::kGelu},
    {"gelu_new", Activation::kGeluTanh},
    {"gelu_pytorch_tanh", Activation::kGeluTanh},
    {"gelu_fast", Activation::kGeluTanh},
    {"swish", Activation::kSilu},
    {"silu", Activation::kSilu},
    {"tanh", Activation::kTanh},
    {"sigmoid", Activation::kSigmoid},
    {"leakyrelu", Activation::kLeakyRelu},
}};

}  // namespace

std::optional<Activation> ParseActivation(std::string_view name) {
  for (const auto& [known, activation] : kNames) {
    if (known == name) return activation;
  }
  return std::nullopt;
}

std::string_view ActivationName(Activation activation) {
  for (const auto& [name, known] : kNames) {
    if (known == activation) return name;
  }
  return "";
}

}  // namespace fathom
