#include "adapters/model/branch.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>

#include <cmath>
#include <vector>

#include "runtime/pass/ops/activation.h"

namespace fathom::training {
namespace {

at::Tensor Apply(const Linear& linear, const at::Tensor& x) {
  return ops::Activate(at::linear(x, linear.weight(), linear.bias()), linear.activation());
}

at::Tensor Normalize(const LayerNormWeights& norm, const at::Tensor& x, double epsilon) {
  return at::layer_norm(x, norm.gamma.sizes(), norm.gamma, norm.beta, epsilon);
}

}  // namespace

Branch::Branch(const Encoder& encoder, const TaskModules& task, const DropoutRates& rates,
               Dropout& dropout)
    : encoder_(encoder), task_(task), rates_(rates), dropout_(dropout) {}

at::Tensor Branch::ClsStates(const BranchInput& input) {
  const auto [fork_layer, fork_place] = input.fork;
  at::Tensor dense = input.trunk.dense;
  at::Tensor residual = input.trunk.residual;
  if (IsLast(fork_layer) && !input.trunk.cls_only) {
    dense = at::index_select(dense, 0, input.texts.cls_rows);
    residual = at::index_select(residual, 0, input.texts.cls_rows);
  }
  at::Tensor state = Epilogue(input.fork, dense, residual);
  if (fork_place == Place::kAttention) state = Ffn(fork_layer, state);
  for (int layer = fork_layer + 1; layer < encoder_.config().layers; ++layer) {
    state = Layer(layer, input.texts, state);
  }
  return state;
}

at::Tensor Branch::Layer(int layer, const PackedTexts& texts, const at::Tensor& x) {
  const EncoderLayer& weights = encoder_.layer(layer);
  at::Tensor residual = x;
  at::Tensor context;
  if (IsLast(layer)) {
    residual = at::index_select(x, 0, texts.cls_rows);
    context = ClsAttention(layer, texts, x, residual);
  } else {
    context = Attention(layer, texts, x);
  }
  const at::Tensor dense = dropout_(Apply(weights.attention_dense, context), rates_.hidden);
  return Ffn(layer, Epilogue({layer, Place::kAttention}, dense, residual));
}

// x [R, H] -> context [R, H].
at::Tensor Branch::Attention(int layer, const PackedTexts& texts, const at::Tensor& x) {
  const EncoderConfig& config = encoder_.config();
  const at::Tensor rows = Apply(encoder_.layer(layer).query_key_value, x);
  const std::vector<at::Tensor> blocks = rows.split_with_sizes(texts.group_rows, 0);
  std::vector<at::Tensor> contexts;
  contexts.reserve(blocks.size());
  for (size_t i = 0; i < blocks.size(); ++i) {
    const LengthGroup& group = texts.groups[i];
    const std::vector<at::Tensor> parts =
        blocks[i]
            .view({group.texts, group.tokens, 3, config.heads, config.head_size()})
            .permute({2, 0, 3, 1, 4})
            .unbind(0);
    contexts.push_back(Attend(parts[0], parts[1], parts[2]));
  }
  return at::cat(contexts);
}

// x [R, H], cls [B, H] -> context [B, H]: one query a text, keys and values of all its rows.
at::Tensor Branch::ClsAttention(int layer, const PackedTexts& texts, const at::Tensor& x,
                                const at::Tensor& cls) {
  const EncoderConfig& config = encoder_.config();
  const Linear& weights = encoder_.layer(layer).query_key_value;
  const int64_t hidden = config.hidden_size;
  const at::Tensor queries =
      at::linear(cls, weights.weight().narrow(0, 0, hidden), weights.bias().narrow(0, 0, hidden));
  const at::Tensor rows = at::linear(x, weights.weight().narrow(0, hidden, 2 * hidden),
                                     weights.bias().narrow(0, hidden, 2 * hidden));
  const std::vector<at::Tensor> blocks = rows.split_with_sizes(texts.group_rows, 0);
  std::vector<at::Tensor> contexts;
  int64_t first_text = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const LengthGroup& group = texts.groups[i];
    const std::vector<at::Tensor> parts =
        blocks[i]
            .view({group.texts, group.tokens, 2, config.heads, config.head_size()})
            .permute({2, 0, 3, 1, 4})
            .unbind(0);
    const at::Tensor query = queries.narrow(0, first_text, group.texts)
                                 .view({group.texts, config.heads, 1, config.head_size()});
    contexts.push_back(Attend(query, parts[0], parts[1]));
    first_text += group.texts;
  }
  return at::cat(contexts);
}

// query [b, heads, q, d], key and value [b, heads, s, d] -> [b · q, H].
at::Tensor Branch::Attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
  const double scale = 1 / std::sqrt(static_cast<double>(encoder_.config().head_size()));
  const at::Tensor scores = at::matmul(query * scale, key.transpose(2, 3));
  const at::Tensor weights = dropout_(at::softmax(scores, -1), rates_.attention);
  return at::matmul(weights, value).transpose(1, 2).reshape({-1, encoder_.config().hidden_size});
}

at::Tensor Branch::Ffn(int layer, const at::Tensor& x) {
  const EncoderLayer& weights = encoder_.layer(layer);
  const at::Tensor dense =
      dropout_(Apply(weights.ffn_out, Apply(weights.ffn_in, x)), rates_.hidden);
  return Epilogue({layer, Place::kFfn}, dense, x);
}

// out = LN(f + x + Delta(input)), or LN(f + x) where the task has no module.
at::Tensor Branch::Epilogue(Fork at, const at::Tensor& dense, const at::Tensor& residual) {
  const EncoderLayer& weights = encoder_.layer(at.layer);
  const LayerNormWeights& norm =
      at.place == Place::kAttention ? weights.attention_norm : weights.ffn_norm;
  const double epsilon = encoder_.config().layer_norm_eps;
  const at::Tensor sum = dense + residual;
  if (!task_.layout().HasModule(at.layer, at.place)) return Normalize(norm, sum, epsilon);

  const AdapterSite& site = *task_.layout().site(at.place);
  at::Tensor input = dense;
  if (site.input == AdapterInput::kNormalizedSum) input = Normalize(norm, sum, epsilon);
  if (site.input == AdapterInput::kResidual) input = residual;
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
