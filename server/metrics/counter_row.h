// CounterRow: the counters of one family that differ in one label, created when first counted, so
// that of many tasks only what happens is exported.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/labels.h>

#include <atomic>
#include <string>
#include <vector>

namespace fathom {

// Thread-safe; after a counter's first use, counting takes no lock.
class CounterRow {
 public:
  // `family` must outlive the row. Counter i has the label `label` = values[i] beside `common`.
  CounterRow(prometheus::Family<prometheus::Counter>* family, prometheus::Labels common,
             std::string label, std::vector<std::string> values)
      : family_(family),
        common_(std::move(common)),
        label_(std::move(label)),
        values_(std::move(values)),
        counters_(values_.size()) {}

  // For a row of few: exports all of its counters from now on, so that a rate sees the first event.
  void CreateAll() {
    for (size_t i = 0; i < counters_.size(); ++i) Increment(i, 0);
  }

  // Counts nothing for an index outside the row.
  void Increment(size_t index, double by = 1) {
    if (index >= counters_.size()) return;
    prometheus::Counter* counter = counters_[index].load(std::memory_order_acquire);
    if (counter == nullptr) {
      prometheus::Labels labels = common_;
      labels[label_] = values_[index];
      counter = &family_->Add(labels);  // the same one for every thread
      counters_[index].store(counter, std::memory_order_release);
    }
    counter->Increment(by);
  }

 private:
  prometheus::Family<prometheus::Counter>* const family_;
  const prometheus::Labels common_;
  const std::string label_;
  const std::vector<std::string> values_;
  std::vector<std::atomic<prometheus::Counter*>> counters_;
};

}  // namespace fathom
