// A toy task that an adapter on a random encoder learns quickly: the class is which of two words
// the text is made of most.
#pragma once

#include <random>

#include "adapters/data/dataset.h"
#include "tests/support/random_model.h"

namespace fathom::training {

inline Dataset ToyDataset(const EncoderConfig& config, TaskType type, int texts, unsigned seed) {
  std::mt19937 random(seed);
  Dataset data;
  data.type = type;
  if (type == TaskType::kClassification) data.labels = {"no", "yes"};
  for (int i = 0; i < texts; ++i) {
    Example example;
    example.label = i % 2;
    example.target = static_cast<float>(example.label) * 2 - 1;
    example.text = RandomText(config, 3 + static_cast<int>(random() % 7), random);
    for (size_t token = 1; token < example.text.ids.size(); ++token) {
      if (random() % 8 != 0) example.text.ids[token] = 10 + example.label;
    }
    data.examples.push_back(std::move(example));
  }
  return data;
}

}  // namespace fathom::training
