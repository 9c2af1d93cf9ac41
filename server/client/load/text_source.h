// TextSource: the texts of a load, from a file or made up, drawn by Zipf's law.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "server/client/text_list.h"

namespace fathom {

struct WordRange {
  int first = 8;  // both included
  int last = 24;
};

// The text of a number: equal for equal numbers, of common English words. In the vocabulary of
// BERT's uncased models each word is one token.
std::string MadeUpText(uint64_t number, const WordRange& words);

// Not thread-safe.
class TextSource {
 public:
  // Draws from `texts`: the k-th of them, from 1, with a share of 1 / k^exponent. 0: all alike.
  // REQUIRES: not empty.
  TextSource(std::vector<Text> texts, double exponent);

  // Draws from `count` made-up texts alike; with a count of 0 every text is a new one. `seed` makes
  // other texts.
  TextSource(int64_t count, const WordRange& words, double exponent, uint64_t seed);

  // `number`: the text's place in the file, from 0, or among those that are made up.
  struct Drawn {
    uint64_t number = 0;
    Text text;
  };
  Drawn Draw(std::mt19937_64& random);

 private:
  const std::vector<Text> texts_;  // empty: made up
  const WordRange words_;
  const uint64_t seed_ = 0;
  const bool all_new_ = false;
  std::discrete_distribution<uint64_t> rank_;
  uint64_t drawn_ = 0;
};

}  // namespace fathom
