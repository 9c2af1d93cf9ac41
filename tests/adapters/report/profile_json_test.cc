#include "adapters/report/profile_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace fathom::training {
namespace {

using nlohmann::json;

TEST(ProfileJson, HoldsWhatWasMeasuredAndTheSteps) {
  DepthProfile profile{.metric = "accuracy",
                       .points = {{0, 0.75, 1.0, 0.5, 0.0, 2.0, 8.0}, {1, 0.5}, {2, 0.5}},
                       .majority_baseline = 0.5,
                       .samples = 24};
  const json made = json::parse(FormatProfileJson({.task = "film", .data = "test.tsv"}, profile));
  const json expected = json::parse(R"({"tasks": {"film": {
      "metric": "accuracy", "data": "test.tsv", "samples": 24, "majority_baseline": 0.5,
      "points": [{"skip_layers": 0, "score": 0.75, "agreement": 1.0, "macro_f1": 0.5,
                  "half_width": 0.0, "ms_one_task": 2.0, "ms_eight_tasks": 8.0},
                 {"skip_layers": 1, "score": 0.5}, {"skip_layers": 2, "score": 0.5}],
      "profile_steps": [0.25, 0.0]}}})");
  EXPECT_EQ(made, expected) << made.dump(2);
}

TEST(ProfileDataDetails, SayWhetherTheRowsChoseTheWeights) {
  const auto chose = [](const char* dev) {
    return ProfileDataDetails("data/test.tsv", "ab", dev)["profile-data-chose-weights"];
  };
  EXPECT_EQ(chose("ab"), true);
  EXPECT_EQ(chose("cd"), false);
  EXPECT_EQ(chose(""), nullptr) << "not known of a foreign adapter";
  EXPECT_EQ(ProfileDataDetails("data/test.tsv", "ab", "")["profile-data"], "test.tsv");
}

}  // namespace
}  // namespace fathom::training
