#include "runtime/pass/text_needs.h"

#include <algorithm>

namespace fathom {
namespace {

void AddReader(Reads& all, Reads one) {
  if (one == Reads::kAllRows) all = Reads::kAllRows;
}

std::optional<Fork> ForkOf(const PlanTask& task) {
  return task.layout == nullptr ? std::nullopt : FindFork(*task.layout, task.skip_layers);
}

// Of a branch that begins at the FFN: whether it reads f or x there, and not only their sum.
bool ReadsPair(const AdapterLayout& layout) {
  const std::optional<AdapterSite>& site = layout.site(Place::kFfn);
  return site.has_value() && site->input != AdapterInput::kNormalizedSum;
}

}  // namespace

void TextNeeds::Clear() {
  texts_.clear();
  branches_.clear();
  task_branch_.clear();
  pieces_.clear();
}

void TextNeeds::Add(const PlanText& text) {
  Text need{.first_branch = branches_.size(), .first_task = task_branch_.size()};
  for (const PlanTask& task : text.tasks) {
    const std::optional<Fork> fork = ForkOf(task);
    // What forks in the last layer reads the trunk's rows there, up to its place.
    if (!fork || fork->layer == layers_ - 1) {
      AddReader(need.reads, task.reads);
      if (!fork || fork->place == Place::kFfn) AddReader(need.reads_after_attention, task.reads);
    }
    need.trunk_end = std::max(need.trunk_end, fork ? StageIndex(*fork) : end());
    task_branch_.push_back(fork ? static_cast<int32_t>(FindBranch(need, task, *fork)) : -1);
    if (!fork) continue;
    AddReader(branches_[need.first_branch + static_cast<size_t>(task_branch_.back())].reads,
              task.reads);
  }
  AddTapPieces(need, text);
  for (const PlanTask& task : text.tasks) {
    const std::optional<Fork> fork = ForkOf(task);
    Reach(need, text, fork ? StageIndex(*fork) : end(),
          fork && fork->place == Place::kFfn && ReadsPair(*task.layout));
  }
  texts_.push_back(need);
}

size_t TextNeeds::FindBranch(Text& need, const PlanTask& task, Fork fork) {
  for (size_t i = 0; i < need.branch_count; ++i) {
    const Branch& branch = branches_[need.first_branch + i];
    if (branch.adapter == task.adapter && branch.fork == fork) return i;
  }
  branches_.push_back({.adapter = task.adapter, .fork = fork, .layout = task.layout});
  return need.branch_count++;
}

// The embedding, and every tap that has the rows that are read at its stage.
void TextNeeds::AddTapPieces(Text& need, const PlanText& text) {
  need.first_piece = pieces_.size();
  pieces_.push_back({});
  for (size_t i = 0; i < text.taps.size(); ++i) {
    const TapPoint& tap = text.taps[i];
    if (IsClsOnly(tap.form) && (need.reads_after_attention == Reads::kAllRows ||
                                tap.layer != layers_ - 1 || layers_ == 1)) {
      continue;
    }
    pieces_.push_back(
        {.after = StageIndex({tap.layer, Place::kFfn}), .tap = static_cast<int32_t>(i)});
  }
  need.piece_count = pieces_.size() - need.first_piece;
}

// A reader at `stage` is served from the highest tap at or below it.
void TextNeeds::Reach(const Text& need, const PlanText& text, int stage, bool needs_pair) {
  for (size_t i = need.piece_count; i-- > 0;) {
    Piece& piece = pieces_[need.first_piece + i];
    const bool lacks_pair = piece.after == stage && needs_pair &&
                            !IsPair(text.taps[static_cast<size_t>(piece.tap)].form);
    if (piece.after > stage || lacks_pair) continue;
    piece.until = std::max(piece.until, stage);
    return;
  }
}

Reads TextNeeds::TrunkReads(size_t text, int stage) const {
  const bool after_attention = stage >= StageIndex({layers_ - 1, Place::kFfn});
  return after_attention ? texts_[text].reads_after_attention : texts_[text].reads;
}

bool TextNeeds::TrunkRuns(size_t text, int stage) const {
  const Text& need = texts_[text];
  const auto* piece = pieces_.data() + need.first_piece;
  return std::any_of(piece, piece + need.piece_count,
                     [&](const Piece& p) { return p.after < stage && stage <= p.until; });
}

bool TextNeeds::TrunkRunsWithoutTaps(size_t text, int stage) const {
  return stage <= texts_[text].trunk_end;
}

std::optional<int32_t> TextNeeds::TapAt(size_t text, int stage) const {
  const Text& need = texts_[text];
  for (size_t i = 1; i < need.piece_count; ++i) {
    const Piece& piece = pieces_[need.first_piece + i];
    if (piece.after != stage || piece.until < stage) continue;
    return TrunkRuns(text, stage) ? std::nullopt : std::optional<int32_t>(piece.tap);
  }
  return std::nullopt;
}

int TextNeeds::CachedLayers(size_t text, int stage) const {
  int layers = 0;
  for (int layer = 0; layer < layers_; ++layer) {
    const int ffn = StageIndex({layer, Place::kFfn});
    if (ffn <= stage && !TrunkRuns(text, ffn)) layers += 1;
  }
  return layers;
}

absl::Span<const Branch> TextNeeds::branches(size_t text) const {
  return absl::MakeConstSpan(branches_).subspan(texts_[text].first_branch,
                                                texts_[text].branch_count);
}

std::optional<size_t> TextNeeds::BranchOf(size_t text, size_t task) const {
  const int32_t branch = task_branch_[texts_[text].first_task + task];
  return branch < 0 ? std::nullopt : std::optional<size_t>(static_cast<size_t>(branch));
}

std::optional<int> PairLayer(const PlanTask& task) {
  const std::optional<Fork> fork = ForkOf(task);
  if (!fork || fork->place != Place::kFfn || !ReadsPair(*task.layout)) return std::nullopt;
  return fork->layer;
}

}  // namespace fathom
