#include "adapters/model/branch.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>

#include "runtime/pass/ops/activation.h"

namespace fathom::training {
namespace {

at::Tensor Normalize(const LayerNormWeights& norm, const at::Tensor& x, double epsilon) {
  return at::layer_norm(x, norm.gamma.sizes(), norm.gamma, norm.beta, epsilon);
}

}  // namespace

Branch::Branch(const DifferentiableEncoder& encoder, const TaskModules& task,
               const DropoutRates& rates, Dropout& dropout)
    : encoder_(encoder), task_(task), rates_(rates), dropout_(dropout) {}

at::Tensor Branch::ClsStates(const BranchInput& input) {
  const auto [fork_layer, fork_place] = input.fork;
  modules_from_ = input.fork;
  at::Tensor dense = input.trunk.dense;
  at::Tensor residual = input.trunk.residual;
  if (IsLast(fork_layer) && !input.trunk.cls_only) {
    dense = at::index_select(dense, 0, input.texts.cls_rows);
    residual = at::index_select(residual, 0, input.texts.cls_rows);
  }
  at::Tensor state = Epilogue(input.fork, {dense, residual});
  if (fork_place == Place::kAttention) {
    state = Epilogue({fork_layer, Place::kFfn}, Ffn(fork_layer, state));
  }
  for (int layer = fork_layer + 1; layer < encoder_.config().layers; ++layer) {
    state = Layer(layer, input.texts, state);
  }
  return state;
}

at::Tensor Branch::ClsStates(const BranchTexts& texts) {
  modules_from_ = {0, Place::kAttention};
  at::Tensor state = Embed(texts);
  for (int layer = 0; layer < encoder_.config().layers; ++layer) {
    state = Layer(layer, texts.packed, state);
  }
  return state;
}

TrunkState Branch::DroppedTrunk(const BranchTexts& texts, Fork fork) {
  const at::NoGradGuard no_grad;
  modules_from_ = fork;
  at::Tensor state = Embed(texts);
  for (int layer = 0; layer < fork.layer; ++layer) state = Layer(layer, texts.packed, state);
  Stage stage = Attention(fork.layer, texts.packed, state);
  if (fork.place == Place::kFfn) {
    stage = Ffn(fork.layer, Epilogue({fork.layer, Place::kAttention}, stage));
  }
  return {.dense = stage.dense, .residual = stage.residual};
}

at::Tensor Branch::Embed(const BranchTexts& texts) {
  return dropout_(encoder_.Embed(texts.tokens), rates_.hidden);
}

// Rows that enter a layer, or leave it in its last place.
at::Tensor Branch::Layer(int layer, const PackedTexts& texts, const at::Tensor& x) {
  const Stage attention =
      IsLast(layer) ? ClsAttention(layer, texts, x) : Attention(layer, texts, x);
  const at::Tensor state = Epilogue({layer, Place::kAttention}, attention);
  return Epilogue({layer, Place::kFfn}, Ffn(layer, state));
}

AttentionCall Branch::Call(const PackedTexts& texts) {
  return {.texts = texts,
          .heads = encoder_.config().heads,
          .dropout_rate = rates_.attention,
          .dropout = dropout_};
}

Branch::Stage Branch::Attention(int layer, const PackedTexts& texts, const at::Tensor& x) {
  const at::Tensor context =
      SelfAttention(encoder_.Apply(layer, Product::kQueryKeyValue, x), Call(texts));
  return {dropout_(encoder_.Apply(layer, Product::kAttentionDense, context), rates_.hidden), x};
}

// Of the [CLS] rows alone.
Branch::Stage Branch::ClsAttention(int layer, const PackedTexts& texts, const at::Tensor& x) {
  const at::Tensor cls = at::index_select(x, 0, texts.cls_rows);
  const at::Tensor context = training::ClsAttention(encoder_.cls_weights(), x, cls, Call(texts));
  return {dropout_(encoder_.Apply(layer, Product::kAttentionDense, context), rates_.hidden), cls};
}

Branch::Stage Branch::Ffn(int layer, const at::Tensor& x) {
  const at::Tensor intermediate = encoder_.Apply(layer, Product::kFfnIn, x);
  return {dropout_(encoder_.Apply(layer, Product::kFfnOut, intermediate), rates_.hidden), x};
}

// out = LN(f + x + Delta(input)), or LN(f + x) where no module of the task runs.
at::Tensor Branch::Epilogue(Fork at, const Stage& stage) {
  const LayerNormWeights& norm = encoder_.norm(at.layer, at.place);
  const double epsilon = encoder_.config().layer_norm_eps;
  const at::Tensor sum = stage.dense + stage.residual;
  if (at < modules_from_ || !task_.layout().HasModule(at.layer, at.place)) {
    return Normalize(norm, sum, epsilon);
  }
  const AdapterSite& site = *task_.layout().site(at.place);
  at::Tensor input = stage.dense;
  if (site.input == AdapterInput::kNormalizedSum) input = Normalize(norm, sum, epsilon);
  if (site.input == AdapterInput::kResidual) input = stage.residual;
  const at::Tensor delta = task_.Delta(at.layer, at.place, input, dropout_);
  return Normalize(norm, sum + delta, epsilon);
}

at::Tensor TrainingHead(const Head& head, const at::Tensor& cls_states, double dropout_rate,
                        Dropout& dropout) {
  at::Tensor state = cls_states;
  for (size_t i = 0; i < head.layers.size(); ++i) {
    const HeadLayer& layer = head.layers[i];
    state = at::linear(dropout(state, dropout_rate), layer.weight, layer.bias);
    if (i + 1 < head.layers.size()) state = ops::Activate(state, head.activation);
  }
  return state;
}

}  // namespace fathom::training
