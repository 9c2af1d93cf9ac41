#include "server/grpc/metadata_depth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace fathom {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

using Pairs = std::vector<std::pair<std::string, std::string>>;

CallMetadata Metadata(const Pairs& pairs) {
  CallMetadata metadata;
  for (const auto& [key, value] : pairs) metadata.emplace(key, value);
  return metadata;
}

TEST(DepthOfMetadata, WithoutItsKeysIsNothing) {
  const Pairs pairs = {{"x-request-id", "7"}, {"x-fathom", "1"}};
  const auto depth = DepthOfMetadata(Metadata(pairs));
  ASSERT_TRUE(depth.ok());
  EXPECT_FALSE(depth->has_value());
}

TEST(DepthOfMetadata, ReadsEachChoice) {
  const Pairs exact = {{"x-fathom-skip-layers", "5"}};
  EXPECT_EQ((*DepthOfMetadata(Metadata(exact)))->skip_layers(), 5);
  const Pairs quality = {{"x-fathom-min-quality", "0.97"}};
  EXPECT_FLOAT_EQ((*DepthOfMetadata(Metadata(quality)))->min_quality(), 0.97F);
  const Pairs budget = {{"x-fathom-latency-budget-ms", "1250.5"}, {"x-fathom-quality-floor", "1"}};
  const auto depth = *DepthOfMetadata(Metadata(budget));
  EXPECT_EQ(depth->latency_budget().seconds(), 1);
  EXPECT_EQ(depth->latency_budget().nanos(), 250'500'000);
  EXPECT_FLOAT_EQ(depth->quality_floor(), 1);
  const Pairs floor = {{"x-fathom-quality-floor", "0.5"}};
  EXPECT_EQ((*DepthOfMetadata(Metadata(floor)))->choice_case(), v1::Depth::CHOICE_NOT_SET);
}

TEST(DepthOfMetadata, RefusesABadValueByItsKey) {
  const std::pair<Pairs, const char*> cases[] = {
      {{{"x-fathom-skip-layers", "many"}}, "'many' is not a number"},
      {{{"x-fathom-skip-layers", "-1"}}, "is not a number"},
      {{{"x-fathom-skip-layers", "4294967296"}}, "is not a number"},
      {{{"x-fathom-skip-layers", ""}}, "is not a number"},
      {{{"x-fathom-skip-layers", "5"}, {"x-fathom-skip-layers", "6"}}, "given twice"},
      {{{"x-fathom-latency-budget-ms", "0"}}, "out of range"},
      {{{"x-fathom-latency-budget-ms", "-5"}}, "out of range"},
      {{{"x-fathom-latency-budget-ms", "nan"}}, "out of range"},
      {{{"x-fathom-latency-budget-ms", "inf"}}, "out of range"},
      {{{"x-fathom-latency-budget-ms", "1e300"}}, "out of range"},
      {{{"x-fathom-latency-budget-ms", "1e-9"}}, "out of range"},
      {{{"x-fathom-latency-budget-ms", "5ms"}}, "is not a number"},
      {{{"x-fathom-min-quality", "1.01"}}, "it is 0 to 1"},
      {{{"x-fathom-min-quality", "nan"}}, "it is 0 to 1"},
      {{{"x-fathom-quality-floor", "-0.1"}}, "it is 0 to 1"},
      {{{"x-fathom-quality-floor", "x"}}, "is not a number"},
      {{{"x-fathom-min-quality", "0.9"}, {"x-fathom-skip-layers", "5"}},
       "beside x-fathom-skip-layers"},
  };
  for (const auto& [pairs, says] : cases) {
    const auto depth = DepthOfMetadata(Metadata(pairs));
    EXPECT_EQ(depth.status().code(), absl::StatusCode::kInvalidArgument) << says;
    EXPECT_THAT(std::string(depth.status().message()), HasSubstr(says)) << pairs[0].second;
    EXPECT_THAT(std::string(depth.status().message()), StartsWith(pairs[0].first));
  }
}

}  // namespace
}  // namespace fathom
