// AdapterFusion (Pfeiffer et al., EACL 2021): at each place of each layer, an attention over the
// outputs of several trained adapters, in the place of one adapter.
//
// With u_j = scaling_j · A_j(input) for the members j that stand at a place, q = W_q · input + b_q
// and k_j = W_k · u_j + b_k, the fused output is Σ p_j · W_v · u_j with p = softmax_j(q · k_j). There
// is no 1/√H. A fusion without W_v (the library's "static") has the identity in its place.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "runtime/task/adapter.h"

namespace fathom {

struct FusionLayer {
  at::Tensor query_weight;  // [H, H]
  at::Tensor query_bias;    // [H]
  at::Tensor key_weight;    // [H, H]
  at::Tensor key_bias;      // [H]; moves all scores of a row alike, and so changes nothing
  at::Tensor value_weight;  // [H, H]; undefined: the identity
};

// As it is trained and as it is on disk.
struct Fusion {
  std::vector<std::string> member_names;  // in the order of the file: "a,b" is not "b,a"
  // Equal places and inputs. A member that was pruned from a layer is left out there.
  std::vector<Adapter> members;
  // layers[layer][place]; defined exactly where any member has a module.
  std::vector<std::array<std::optional<FusionLayer>, kPlaceCount>> layers;
};

// The layout that planner, taps and forks see: the members' sites; a layer is left out where no
// member stands. Activation and scaling of the site are the first member's and have no meaning.
AdapterLayout FusedLayout(const Fusion& fusion);

// The form that a pass runs: query, key and value matrices multiplied into the members' own.
// Then the adapters of a fusion are one GEMM down and one up, see FusionModule.
// REQUIRES: tensors are fp32, without gradient.
Adapter AbsorbFusion(const Fusion& fusion);

}  // namespace fathom
