#include "adapters/trunk/trunk_source.h"

#include <optional>
#include <utility>

#include "adapters/data/text_packs.h"

namespace fathom::training {

TrunkSource::TrunkSource(const Dataset& data, std::shared_ptr<const StateCache> cache)
    : data_(data), cache_(std::move(cache)) {}

TrunkState TrunkSource::Get(Executor& executor, absl::Span<const int64_t> texts, Fork fork) const {
  std::optional<TrunkState> start;
  if (cache_ != nullptr) start = cache_->Load(texts, fork);
  double left = TrunkLayers(fork);
  if (start) {
    left = TrunkLayersLeft(cache_->depths(), cache_->shape().layers, fork);
    bytes_loaded_ += static_cast<int64_t>(start->dense.nbytes()) * (cache_->shape().pairs ? 2 : 1);
  }
  const auto count = static_cast<double>(texts.size());
  texts_ += static_cast<int64_t>(texts.size());
  layers_run_ += count * left;
  layers_saved_ += count * (TrunkLayers(fork) - left);
  return executor.RunTrunk(TextsOf(data_, texts), fork, start ? &*start : nullptr);
}

TrunkWork TrunkSource::work() const {
  return {.texts = texts_,
          .layers_run = layers_run_,
          .layers_saved = layers_saved_,
          .bytes_loaded = bytes_loaded_};
}

}  // namespace fathom::training
