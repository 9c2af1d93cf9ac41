// Activation functions of encoders, adapters and heads, by the names that Hugging Face configs use.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace fathom {

enum class Activation : uint8_t {
  kIdentity,   // "linear", or null in a head
  kRelu,       // "relu"
  kGelu,       // "gelu": x Φ(x), the erf form
  kGeluTanh,   // "gelu_new", "gelu_pytorch_tanh": the tanh form
  kSilu,       // "swish", "silu"
  kTanh,       // "tanh"
  kSigmoid,    // "sigmoid"
  kLeakyRelu,  // "leakyrelu": slope 0.01
};

// Nothing for a name that Fathom does not know.
std::optional<Activation> ParseActivation(std::string_view name);

// The name the `adapters` library writes.
std::string_view ActivationName(Activation activation);

}  // namespace fathom
