#include "runtime/model/gemm_timing.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "runtime/model/gemm.h"

namespace fathom {
namespace {

constexpr std::array<int64_t, 9> kKnots = {1, 4, 8, 16, 32, 64, 128, 256, 512};

// More weights than fit a core's caches; further layers would make no weight colder.
constexpr int64_t kColdBytes = int64_t{256} << 20;

// Rounds over all knots: what else the machine does for a moment spoils a round, not a knot.
constexpr int kLeastRounds = 2;
// The share of the budget for the visits of one knot in one round; there is at least one visit.
// Knots of many rows take longer than that.
constexpr int kKnotShare = 100;

using Clock = std::chrono::steady_clock;

int LayersToVisit(const EncoderConfig& config) {
  const int64_t hidden = config.hidden_size;
  const int64_t bytes = 4 * hidden * (4 * hidden + 2 * int64_t{config.intermediate_size});
  return static_cast<int>(std::clamp<int64_t>(kColdBytes / bytes + 1, 1, config.layers));
}

// One GEMM of a layer, in all the layers.
struct Gemm {
  GemmShape shape;
  at::Tensor x;  // [rows, in]
  at::ScalarType result;
  at::Tensor bias;
  std::vector<GemmCandidate> candidates;
  std::vector<std::array<at::Tensor, kGemmForms>> weights;  // by layer, then form
};

Gemm MakeGemm(const GemmShape& shape, Precision precision, int layers) {
  Gemm gemm{
      .shape = shape,
      .x = at::full({kKnots.back(), shape.in}, 0.5),
      .result = at::kFloat,
      .bias = at::full({shape.out}, 0.1),
      .candidates = GemmCandidates(shape.activation, precision),
      .weights = std::vector<std::array<at::Tensor, kGemmForms>>(static_cast<size_t>(layers))};
  for (auto& forms : gemm.weights) {
    const at::Tensor weight = at::full({shape.out, shape.in}, 0.01);
    for (const GemmCandidate& candidate : gemm.candidates) {
      at::Tensor& packed = forms[static_cast<size_t>(candidate.form)];
      if (!packed.defined()) packed = PackGemmWeight(weight, candidate.form);
    }
  }
  return gemm;
}

std::vector<Gemm> LayerGemms(const EncoderConfig& config, Precision precision) {
  const int64_t hidden = config.hidden_size;
  const int64_t intermediate = config.intermediate_size;
  const int layers = LayersToVisit(config);
  std::vector<Gemm> gemms;
  for (const GemmShape& shape :
       {GemmShape{3 * hidden, hidden}, GemmShape{hidden, hidden},
        GemmShape{intermediate, hidden, config.activation}, GemmShape{hidden, intermediate}}) {
    gemms.push_back(MakeGemm(shape, precision, layers));
  }
  if (precision == Precision::kBf16) {  // as in the encoder: nothing is converted inside the FFN
    gemms[2].result = at::kBFloat16;
    gemms[3].x = gemms[3].x.to(at::kBFloat16);
  }
  return gemms;
}

double MsOf(const Gemm& gemm, const GemmCandidate& candidate, const at::Tensor& weight,
            int64_t rows) {
  const at::Tensor x = gemm.x.narrow(0, 0, rows);
  const auto start = Clock::now();
  RunGemm(candidate, {.x = x,
                      .weight = weight,
                      .bias = gemm.bias,
                      .activation = gemm.shape.activation,
                      .result = gemm.result});
  const std::chrono::duration<double, std::milli> took = Clock::now() - start;
  return took.count();
}

// Least milliseconds by [gemm][candidate]: what else the machine does only ever slows.
using Least = std::vector<std::vector<double>>;

// One precision: its weights, and what was measured.
struct Course {
  std::vector<Gemm> gemms;
  std::array<Least, kKnots.size()> least;  // by knot
  size_t visits = 0;
};

Course MakeCourse(const EncoderConfig& config, Precision precision) {
  Course course{.gemms = LayerGemms(config, precision)};
  for (Least& one : course.least) {
    for (const Gemm& gemm : course.gemms) {
      one.emplace_back(gemm.candidates.size(), std::numeric_limits<double>::infinity());
    }
  }
  return course;
}

// Every candidate of every GEMM once. Candidates are spread over the layers, so that between two
// that share weights the other layers' weights pass through the caches.
void Visit(const std::vector<Gemm>& gemms, size_t visit, int64_t rows, Least& least) {
  size_t slots = 0;
  for (const Gemm& gemm : gemms) slots = std::max(slots, gemm.candidates.size());
  for (size_t slot = 0; slot < slots; ++slot) {
    for (size_t i = 0; i < gemms.size(); ++i) {
      const Gemm& gemm = gemms[i];
      if (slot >= gemm.candidates.size()) continue;
      const size_t layers = gemm.weights.size();
      const size_t layer = (visit + slot * layers / slots) % layers;
      const GemmCandidate& candidate = gemm.candidates[slot];
      const at::Tensor& weight = gemm.weights[layer][static_cast<size_t>(candidate.form)];
      least[i][slot] = std::min(least[i][slot], MsOf(gemm, candidate, weight, rows));
    }
  }
}

ShapeTimes ToShapeTimes(const std::vector<Gemm>& gemms,
                        const std::array<Least, kKnots.size()>& least) {
  ShapeTimes times;
  for (size_t i = 0; i < gemms.size(); ++i) {
    std::vector<GemmTimes> candidates;
    for (size_t slot = 0; slot < gemms[i].candidates.size(); ++slot) {
      GemmTimes one{gemms[i].candidates[slot], {}};
      for (size_t knot = 0; knot < kKnots.size(); ++knot) {
        one.times.push_back({kKnots[knot], least[knot][i][slot]});
      }
      candidates.push_back(std::move(one));
    }
    times[gemms[i].shape] = std::move(candidates);
  }
  return times;
}

}  // namespace

std::vector<ShapeTimes> MeasureGemms(const EncoderConfig& config,
                                     absl::Span<const Precision> precisions,
                                     std::chrono::milliseconds budget) {
  const c10::InferenceMode inference;
  std::vector<Course> courses;
  for (const Precision precision : precisions) courses.push_back(MakeCourse(config, precision));
  const auto end = Clock::now() + budget;
  for (int round = 0; round < kLeastRounds || Clock::now() < end; ++round) {
    for (size_t knot = 0; knot < kKnots.size(); ++knot) {
      for (Course& course : courses) {
        const auto knot_end = Clock::now() + budget / kKnotShare;
        do {
          Visit(course.gemms, course.visits++, kKnots[knot], course.least[knot]);
        } while (Clock::now() < knot_end);
      }
    }
  }
  std::vector<ShapeTimes> times;
  for (const Course& course : courses) times.push_back(ToShapeTimes(course.gemms, course.least));
  return times;
}

}  // namespace fathom
