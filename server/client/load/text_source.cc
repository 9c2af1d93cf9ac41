#include "server/client/load/text_source.h"

#include <array>
#include <cmath>
#include <utility>

namespace fathom {
namespace {

constexpr std::array kWords = {
    "the",     "of",      "and",    "to",      "in",     "is",     "was",     "he",      "for",
    "it",      "with",    "as",     "his",     "on",     "be",     "at",      "by",      "had",
    "not",     "are",     "but",    "from",    "or",     "have",   "an",      "they",    "which",
    "one",     "you",     "were",   "her",     "all",    "she",    "there",   "would",   "their",
    "we",      "him",     "been",   "has",     "when",   "who",    "will",    "more",    "no",
    "if",      "out",     "so",     "said",    "what",   "up",     "its",     "about",   "into",
    "than",    "them",    "can",    "only",    "other",  "new",    "some",    "could",   "time",
    "these",   "two",     "may",    "then",    "do",     "first",  "any",     "my",      "now",
    "such",    "like",    "our",    "over",    "man",    "me",     "even",    "most",    "made",
    "after",   "also",    "did",    "many",    "before", "must",   "through", "back",    "years",
    "where",   "much",    "your",   "way",     "well",   "down",   "should",  "because", "each",
    "just",    "those",   "people", "how",     "too",    "little", "state",   "good",    "very",
    "make",    "world",   "still",  "own",     "see",    "men",    "work",    "long",    "get",
    "here",    "between", "both",   "life",    "being",  "under",  "never",   "day",     "same",
    "another", "know",    "while",  "last",    "might",  "us",     "great",   "old",     "year",
    "off",     "come",    "since",  "against", "go",     "came",   "right",   "used",    "take",
    "three",   "house",   "water",  "school",  "city",   "night",  "film",    "music",   "story",
    "price",   "letter",  "phone",  "letters", "color",  "paper",  "light",   "sound",   "table"};

// SplitMix64's last step: neighbouring numbers give unrelated texts.
uint64_t Mixed(uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31U);
}

std::discrete_distribution<uint64_t> ZipfLaw(size_t count, double exponent) {
  std::vector<double> shares(count);
  for (size_t k = 0; k < count; ++k) shares[k] = std::pow(static_cast<double>(k + 1), -exponent);
  return {shares.begin(), shares.end()};
}

}  // namespace

std::string MadeUpText(uint64_t number, const WordRange& words) {
  std::mt19937_64 random(Mixed(number));
  const int count = std::uniform_int_distribution<int>(words.first, words.last)(random);
  std::uniform_int_distribution<size_t> word(0, kWords.size() - 1);
  std::string text;
  for (int i = 0; i < count; ++i) {
    if (i > 0) text += ' ';
    text += kWords[word(random)];
  }
  return text;
}

TextSource::TextSource(std::vector<Text> texts, double exponent)
    : texts_(std::move(texts)), rank_(ZipfLaw(texts_.size(), exponent)) {}

TextSource::TextSource(int64_t count, const WordRange& words, double exponent, uint64_t seed)
    : words_(words),
      seed_(Mixed(seed)),
      all_new_(count == 0),
      rank_(ZipfLaw(static_cast<size_t>(count), exponent)) {}

TextSource::Drawn TextSource::Draw(std::mt19937_64& random) {
  const uint64_t number = all_new_ ? drawn_++ : rank_(random);
  if (!texts_.empty()) return {.number = number, .text = texts_[number]};
  const std::string text = MadeUpText(seed_ + number, words_);
  return {.number = number, .text = {.first = text, .second = std::nullopt}};
}

}  // namespace fathom
