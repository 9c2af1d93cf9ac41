// UniformIndex: a uniform draw that is the same on every standard library, which
// std::uniform_int_distribution and std::shuffle do not promise.
#pragma once

#include <cstdint>
#include <limits>
#include <random>

namespace fathom::training {

// Uniform over 0 … count − 1. REQUIRES: count >= 1.
inline uint64_t UniformIndex(std::mt19937_64& engine, uint64_t count) {
  // Draws above the largest multiple of `count` would favour small indices.
  const uint64_t limit = std::numeric_limits<uint64_t>::max() / count * count;
  uint64_t draw = engine();
  while (draw >= limit) draw = engine();
  return draw % count;
}

// The seed of one of several streams that belong to one run: the finalizer of SplitMix64 over both.
inline uint64_t StreamSeed(uint64_t seed, uint64_t stream) {
  uint64_t mixed = seed + 0x9E3779B97F4A7C15u * (stream + 1);
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
  return mixed ^ (mixed >> 31);
}

// What a run draws at random, so that no two of them share a stream.
enum class Stream : uint64_t {
  kSkipLayers = 1,
  kWeights = 2,
  kShuffle = 3,
  kDropout = 4,
  kHead = 5,
  kBootstrap = 6
};

inline uint64_t StreamSeed(uint64_t seed, Stream stream) {
  return StreamSeed(seed, static_cast<uint64_t>(stream));
}

}  // namespace fathom::training
