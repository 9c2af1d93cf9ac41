#include "runtime/pass/cost_calibration.h"

#include <filesystem>

#include "gtest/gtest.h"
#include "runtime/pass/cost_table_json.h"
#include "tests/support/random_model.h"

namespace fathom {
namespace {

class CostCalibrationTest : public ::testing::Test {
 protected:
  CostCalibrationTest() { std::filesystem::remove_all(folder_); }
  ~CostCalibrationTest() override { std::filesystem::remove_all(folder_); }

  std::optional<CostCalibration> Calibrate(const std::string& dir, const GemmTable& gemms = {}) {
    return CalibrateCosts(encoder_, gemms, {.dir = dir, .budget = std::chrono::milliseconds(0)});
  }

  const std::string folder_ = ::testing::TempDir() + "cost_calibration";
  const std::shared_ptr<const Encoder> encoder_ = RandomEncoder(SmallEncoderConfig(), 5);
};

TEST_F(CostCalibrationTest, IsMeasuredOnceAndThenRead) {
  const auto first = Calibrate(folder_);
  const auto second = Calibrate(folder_);
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_FALSE(first->from_file);
  EXPECT_TRUE(second->from_file);
  EXPECT_EQ(ToJson(first->costs), ToJson(second->costs));
  EXPECT_GT(MsAt(first->costs.ffn, 512), 0);
}

TEST_F(CostCalibrationTest, OfOtherGemmsIsMeasuredAgain) {
  Calibrate(folder_);
  GemmTable gemms;
  gemms.choices.emplace(GemmShape{1, 1}, GemmChoice({GemmForm::kPlain, false}));
  EXPECT_FALSE(Calibrate(folder_, gemms)->from_file);
}

TEST_F(CostCalibrationTest, CanBeOff) { EXPECT_FALSE(Calibrate("off").has_value()); }

TEST(CostTableJson, RefusesWhatCannotBe) {
  const RowTimes times = {{1, 2}, {8, 3}};
  const CostTable table{.query_key_value = times,
                        .attention_dense = times,
                        .ffn = times,
                        .epilogue = times,
                        .pass = 0.25};
  const nlohmann::json whole = ToJson(table);
  EXPECT_EQ(CostTableFromJson(whole), table);
  for (const char* name : {"ffn", "cls_block", "pass"}) {
    nlohmann::json broken = whole;
    broken.erase(name);
    EXPECT_FALSE(CostTableFromJson(broken).has_value()) << name;
    broken[name] = "text";
    EXPECT_FALSE(CostTableFromJson(broken).has_value()) << name;
    broken[name] = -1;
    EXPECT_FALSE(CostTableFromJson(broken).has_value()) << name;
  }
  nlohmann::json falling = whole;
  falling["ffn"] = {{8, 2}, {1, 3}};
  EXPECT_FALSE(CostTableFromJson(falling).has_value());
}

}  // namespace
}  // namespace fathom
