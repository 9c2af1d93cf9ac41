// The kernels of one device: raw pointers in, raw pointers out. No Torch, no Abseil.
//
// Common rules. Matrices are row-major fp32 without padding between rows. Pointers need no special
// alignment. Outputs never alias inputs unless an entry says so. Sums are accumulated in fp32 or
// better. A count of zero is allowed everywhere and does nothing. Shapes are the caller's promise:
// runtime/pass/ops is the only caller and checks them. Every call may use up to `threads` threads
// and returns when all of its work is done; different calls may run at the same time.
//
// Shape symbols: R rows (tokens) of a packed batch, H hidden width, A attention heads, D width of a
// bottleneck.
#pragma once

#include <cstdint>

namespace fathom::kernels {

// Rows [first, first + count) of a packed matrix: the tokens of one text. They attend to each other
// and to nothing else.
struct AttentionSegment {
  int64_t first;
  int64_t count;
};

// Self-attention over packed rows, each segment on its own:
//   context = softmax(Q Kᵀ / sqrt(head_size)) V, a head at a time.
struct RaggedAttention {
  const float* query_key_value;  // [R, 3H]: a row is query [H], key [H], value [H]
  float* context;                // [R, H]; rows outside all segments are not written
  const AttentionSegment* segments;
  int64_t segment_count;  // segments do not overlap
  int64_t heads;          // A
  int64_t head_size;      // H / A, any size >= 1
};

// Attention of the first row of each segment over all of its rows, keys and values absorbed:
//   absorbed = W_Kᵀ q, mixed = Σ softmax(absorbed · x / sqrt(head_size)) x, context = W_V mixed +
//   b,
// a head at a time. Numbers of a segment depend on it and the weights alone, to the bit; a NaN in a
// segment stays in it. The mix of an empty segment is 0.
struct ClsAttention {
  const float* query;  // [segments, H]: the projected first row of each
  const float* x;      // [R, H]
  const AttentionSegment* segments;
  int64_t segment_count;
  int64_t heads;
  int64_t head_size;
  const float* key;         // [A, H / A, H]: W_K
  const float* value;       // [A, H / A, H]: W_V
  const float* value_bias;  // [H]
  float* context;           // [segments, H]
  float* workspace;         // 2 · segments · A · H floats
};

// Rows [dst_first, dst_first + count) of the output come from as many rows of the dense output at
// src_first and of the residual at residual_first.
struct RowCopy {
  int64_t src_first;
  int64_t residual_first;
  int64_t dst_first;
  int64_t count;
};

// out[dst] = LayerNorm(dense[src] + residual[residual row]) · gamma + beta for every segment.
// The variance is two-pass, so rows with a large common offset stay exact; a constant row gives
// beta. A NaN stays in its row.
struct ResidualLayerNorm {
  const float* dense;     // [src rows, H]
  const float* residual;  // [residual rows, H]
  float* out;             // [dst rows, H]; rows outside all segments are not written
  const RowCopy* segments;
  int64_t segment_count;  // sources may repeat, destinations may not
  int64_t hidden_size;    // H
  const float* gamma;     // [H]
  const float* beta;      // [H]
  float epsilon;          // the encoder's layer_norm_eps
};

// dst[i] = src[rows[i]].
struct GatherRows {
  const float* src;     // [src rows, width]
  const int64_t* rows;  // [count], may repeat
  int64_t count;
  int64_t width;
  float* dst;  // [count, width]
};

// The tokens of one text.
struct EmbedText {
  const int32_t* ids;
  const int32_t* segment_ids;
  int64_t tokens;
};

// out[r] = LayerNorm(words[id] + positions[place in its text] + segments[segment id]) · gamma +
// beta for the tokens of all texts in order; LayerNorm as in ResidualLayerNorm.
struct EmbedLayerNorm {
  const EmbedText* texts;
  int64_t text_count;
  const float* words;      // [vocabulary, H]
  const float* positions;  // [positions, H]
  const float* segments;   // [segment types, H]
  float* out;              // [tokens of all texts, H]
  int64_t hidden_size;     // H
  const float* gamma;      // [H]
  const float* beta;       // [H]
  float epsilon;
};

enum class Activation : uint8_t {
  kIdentity,
  kRelu,
  kGelu,      // x Φ(x), the erf form
  kGeluTanh,  // its approximation with tanh
  kSilu,
  kTanh,
  kSigmoid,
  kLeakyRelu,  // slope 0.01
};

// One dense layer over some rows: y[i] = activation(weight · x[rows[i]] + bias).
struct DenseSegment {
  const float* x;  // rows of `in` floats, x_stride floats apart
  int64_t x_stride;
  const int64_t* rows;  // [count], may repeat; null: rows 0 … count - 1
  int64_t count;
  const float* weight;  // [out, in]
  const float* bias;    // [out]; null: none
  int64_t in;
  int64_t out;
  Activation activation;
  float* y;  // rows of `out` floats, y_stride floats apart
  int64_t y_stride;
};

// Layers of different weights and sizes in one call, for few rows each: the weights are read once
// from where they lie. Numbers of a row depend on that row and its weights alone, to the bit. A NaN
// in a row stays in it, one in weights in their segment.
struct SegmentedDense {
  const DenseSegment* segments;
  int64_t segment_count;  // outputs do not overlap
};

// What a bottleneck reads. The names are those of AdapterInput.
enum class BottleneckInput : uint8_t {
  kDense,          // f
  kNormalizedSum,  // LN(f + x), with the weights of the call
  kResidual,       // x
};

// One of the bottlenecks of a fusion.
struct FusedMember {
  int64_t width;  // D_j >= 0
  Activation activation;
};

// One adapter module: A(v) = scaling · (up_weight · activation(down_weight · v + down_bias) +
// up_bias). Activations are right to 1e-6 of the larger of 1 and their input.
struct Bottleneck {
  BottleneckInput input;
  Activation activation;
  float scaling;
  int64_t width;             // D >= 0
  const float* down_weight;  // [D, H]
  const float* down_bias;    // [D]
  const float* up_weight;    // [H, D]
  const float* up_bias;      // [H]

  // Not null: K bottlenecks fused by attention, D the sum of their widths. With h = activation_j of
  // the first D values of down_weight · v + down_bias [2D + K], t the next D, o the last K, and
  // p = softmax over j of (t_j · h_j + o_j), A(v) = up_weight [H, D + K] · [p_j h_j | p_j].
  // Activation, scaling and up_bias are not read.
  const FusedMember* members = nullptr;
  int64_t member_count = 0;  // K >= 1
};

struct AdapterSegment {
  RowCopy rows;
  const Bottleneck* bottleneck;  // segments that follow each other and share one are one product
};

// out[dst] = LayerNorm(f + x + A(input)) · gamma + beta for every segment, with f = dense[src], x =
// residual[residual row], A and input those of the segment's bottleneck. Numbers of a row depend on
// that row and its bottleneck alone, to the bit; LayerNorm as in ResidualLayerNorm. A NaN in a row
// stays in it, one in a bottleneck in that bottleneck's rows.
struct AdapterLayerNorm {
  const float* dense;     // [src rows, H]
  const float* residual;  // [residual rows, H]
  float* out;             // [dst rows, H]; rows outside all segments are not written
  const AdapterSegment* segments;
  int64_t segment_count;  // sources may repeat, destinations may not
  int64_t hidden_size;    // H
  const float* gamma;     // [H]
  const float* beta;      // [H]
  float epsilon;          // the encoder's layer_norm_eps
};

// y = activation(x Wᵀ + bias) for few rows and weights that come from memory: the next weights are
// fetched while the last are multiplied. Right for any number of rows, but made for 64 or fewer.
// Numbers of a row depend on that row and the weights alone, to the bit. A NaN in a row stays in
// it.
struct PackedDense {
  const float* x;              // [R, in]
  const float* packed_weight;  // made by pack_dense of the same table; fastest if 64-byte aligned
  const float* bias;           // [out]
  float* y;                    // [R, out]
  int64_t rows;                // R
  int64_t in;                  // >= 1
  int64_t out;
  Activation activation;
};

// out[i] = 0 where the draw of element i is below `dropped_below`, x[i] · scale elsewhere. The draw
// is a function of key and i alone: bits 16 (i mod 4) … 16 (i mod 4) + 15 of what SplitMix64
// (Steele, Lea and Flood, 2014) gives from state key + (i / 4 + 1) · 0x9E3779B97F4A7C15.
struct Dropout {
  const float* x;  // [count]
  float* out;      // [count]; may be x
  int64_t count;
  uint64_t key;
  uint16_t dropped_below;
  float scale;
};

// One implementation of each kernel for one device. Tables are constant and live for ever.
struct KernelTable {
  const char* name;  // for example "cpu/AVX3"
  void (*ragged_attention)(const RaggedAttention& call, int threads);
  void (*residual_layer_norm)(const ResidualLayerNorm& call, int threads);
  void (*adapter_layer_norm)(const AdapterLayerNorm& call, int threads);
  // The packed layout belongs to the table: it depends on the device's instruction set, so packed
  // weights are neither stored nor given to another table. The caller owns both buffers.
  int64_t (*packed_dense_floats)(int64_t in, int64_t out);  // size of `packed`
  void (*pack_dense)(const float* weight /*[out, in]*/, int64_t in, int64_t out, float* packed);
  void (*packed_dense)(const PackedDense& call, int threads);
  void (*cls_attention)(const ClsAttention& call, int threads);
  void (*segmented_dense)(const SegmentedDense& call, int threads);
  void (*embed_layer_norm)(const EmbedLayerNorm& call, int threads);
  void (*gather_rows)(const GatherRows& call, int threads);
  void (*dropout)(const Dropout& call, int threads);
};

// The table for this machine's CPU, with the widest instruction set that it has.
const KernelTable& CpuKernels();

}  // namespace fathom::kernels
