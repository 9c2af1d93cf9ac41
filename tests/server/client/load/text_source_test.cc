#include "server/client/load/text_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "server/client/load/request_source.h"

namespace fathom {
namespace {

int64_t Words(const std::string& text) {
  return text.empty() ? 0 : 1 + std::count(text.begin(), text.end(), ' ');
}

TEST(MadeUpText, HasWordsWithinTheRangeAndRepeats) {
  std::set<int64_t> lengths;
  for (uint64_t number = 0; number < 200; ++number) {
    const std::string text = MadeUpText(number, {.first = 3, .last = 5});
    EXPECT_EQ(text, MadeUpText(number, {.first = 3, .last = 5}));
    lengths.insert(Words(text));
  }
  EXPECT_EQ(lengths, (std::set<int64_t>{3, 4, 5}));
  EXPECT_EQ(MadeUpText(1, {.first = 0, .last = 0}), "");
}

TEST(TextSource, EveryTextIsNewWithACountOfZero) {
  TextSource source(0, {.first = 20, .last = 20}, 0, 1);
  std::mt19937_64 random(1);
  std::set<std::string> texts;
  for (int i = 0; i < 1000; ++i) texts.insert(source.Draw(random).text.first);
  EXPECT_EQ(texts.size(), 1000U);
}

TEST(TextSource, TheKthTextIsDrawnWithItsShare) {
  std::vector<Text> texts(4);
  for (size_t i = 0; i < texts.size(); ++i) texts[i].first = std::to_string(i + 1);
  TextSource source(texts, 1);  // 1, 1/2, 1/3, 1/4 of 25/12
  std::mt19937_64 random(9);
  std::map<std::string, int> drawn;
  for (int i = 0; i < 25000; ++i) ++drawn[source.Draw(random).text.first];
  EXPECT_NEAR(drawn["1"], 12000, 300);
  EXPECT_NEAR(drawn["2"], 6000, 250);
  EXPECT_NEAR(drawn["4"], 3000, 200);
}

TEST(TextSource, AllAreAlikeWithoutAnExponent) {
  TextSource source(10, {}, 0, 1);
  std::mt19937_64 random(9);
  std::map<std::string, int> drawn;
  for (int i = 0; i < 10000; ++i) ++drawn[source.Draw(random).text.first];
  ASSERT_EQ(drawn.size(), 10U);
  for (const auto& [text, count] : drawn) EXPECT_NEAR(count, 1000, 150);
}

TEST(RequestSource, CallsRepeatWithTheSeedAndCarryWhatWasAsked) {
  LoadOptions options;
  options.mix = *ParseMix("a;b@3");
  options.inputs = 2;
  options.depth.latency_budget_ms = 25;
  options.depth.quality_floor = 0.95F;
  options.options.set_cache(v1::CACHE_MODE_BYPASS);
  RequestSource one = *RequestSource::Create(options);
  RequestSource same = *RequestSource::Create(options);
  options.seed = 2;
  RequestSource other = *RequestSource::Create(options);
  bool any_differs = false;
  std::set<std::string> tasks;
  for (int i = 0; i < 20; ++i) {
    const v1::PredictRequest request = one.Next();
    EXPECT_EQ(request.SerializeAsString(), same.Next().SerializeAsString());
    any_differs |= request.SerializeAsString() != other.Next().SerializeAsString();
    EXPECT_EQ(request.inputs_size(), 2);
    EXPECT_EQ(request.options().cache(), v1::CACHE_MODE_BYPASS);
    const v1::TaskSelector& task = request.tasks(0);
    tasks.insert(task.name());
    EXPECT_FLOAT_EQ(task.depth().quality_floor(), 0.95F);
    if (task.name() == "a") {
      EXPECT_EQ(task.depth().latency_budget().nanos(), 25'000'000);
    } else {
      EXPECT_EQ(task.depth().skip_layers(), 3U);
    }
  }
  EXPECT_TRUE(any_differs);
  EXPECT_EQ(tasks, (std::set<std::string>{"a", "b"}));
}

TEST(RequestSource, AFileThatCannotBeUsedIsAnError) {
  LoadOptions options;
  options.mix = *ParseMix("a");
  options.text_file = "/nonexistent/texts";
  EXPECT_EQ(RequestSource::Create(options).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace fathom
