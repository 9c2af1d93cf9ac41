// Seeded draws that make up workloads. Pure functions.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace fathom::bench {

struct LengthRange {
  int shortest = 4;
  int longest = 66;
};

// Tokens of `count` texts like those of SST-2's dev set, [CLS] and [SEP] counted: a gamma
// distribution with mean 25 and deviation 11, cut to `range`.
std::vector<int> SentenceLengths(int count, LengthRange range, std::mt19937& random);

// `count` draws from 0 … items − 1, where item i has a weight of 1 / (i + 1) (Zipf's law).
std::vector<int> ZipfDraws(int count, int items, std::mt19937& random);

// The share of draws whose item was drawn before.
double RepeatedShare(const std::vector<int>& draws);

}  // namespace fathom::bench
