#include "runtime/model/calibration.h"

#include <ATen/Parallel.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "runtime/model/calibration_store.h"
#include "runtime/model/gemm.h"
#include "runtime/model/gemm_times_json.h"
#include "tests/support/random_model.h"

namespace fathom {
namespace {

// With the least visits: what is measured does not matter here.
CalibrationOptions Options(const std::string& dir, Precision precision = Precision::kFp32) {
  return {.dir = dir, .precision = precision, .budget = std::chrono::milliseconds(0)};
}

class Calibration : public ::testing::Test {
 protected:
  Calibration() { std::filesystem::remove_all(folder_); }
  ~Calibration() override { std::filesystem::remove_all(folder_); }

  std::string OnlyFile() const {
    return std::filesystem::directory_iterator(folder_)->path().string();
  }

  const std::string folder_ = ::testing::TempDir() + "calibration_" +
                              ::testing::UnitTest::GetInstance()->current_test_info()->name();
  const EncoderConfig config_ = SmallEncoderConfig();
};

TEST_F(Calibration, IsMeasuredOnceAndThenRead) {
  const CalibrationOptions options = Options(folder_);
  const auto first = CalibrateGemms(config_, options);
  const auto second = CalibrateGemms(config_, options);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_FALSE(first->from_file);
  EXPECT_TRUE(second->from_file);
  EXPECT_EQ(Describe(first->gemms), Describe(second->gemms));
  EXPECT_EQ(first->gemms.choices.size(), 4u);
}

TEST_F(Calibration, OfAnotherShapeIsMeasuredAgain) {
  ASSERT_TRUE(CalibrateGemms(config_, Options(folder_)).ok());
  EncoderConfig wider = config_;
  wider.intermediate_size *= 2;
  const auto other = CalibrateGemms(wider, Options(folder_));
  ASSERT_TRUE(other.ok());
  EXPECT_FALSE(other->from_file);
}

TEST_F(Calibration, OfABrokenFileIsMeasuredAgain) {
  ASSERT_TRUE(CalibrateGemms(config_, Options(folder_)).ok());
  const std::string file = OnlyFile();
  std::ifstream in(file);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = whole;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos);
    return text.replace(at, from.size(), to);
  };
  for (const std::string& broken :
       {std::string(), whole.substr(0, whole.size() / 2), std::string("[]"), std::string("null"),
        replaced("\"version\": 1", "\"version\": 0"), replaced("\"version\": 1", "\"version\": {}"),
        replaced("\"fp32\"", "\"fp33\""), replaced("\"form\": \"plain\"", "\"form\": \"plane\""),
        replaced("\"form\": \"plain\"", "\"form\": 3"), replaced("512", "-512")}) {
    std::ofstream(file, std::ios::trunc) << broken;
    const auto again = CalibrateGemms(config_, Options(folder_));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_FALSE(again->from_file) << broken;
    EXPECT_TRUE(CalibrateGemms(config_, Options(folder_))->from_file);
  }
}

TEST_F(Calibration, DoesWithoutAFolder) {
  std::ofstream(folder_) << "a file where the folder should be";
  for (const std::string& dir : {std::string("none"), folder_}) {
    const auto calibration = CalibrateGemms(config_, Options(dir));
    ASSERT_TRUE(calibration.ok()) << calibration.status();
    EXPECT_FALSE(calibration->from_file);
  }
}

TEST_F(Calibration, ChoosesAPrecisionThatTheCpuHas) {
  const auto automatic = CalibrateGemms(config_, Options(folder_, Precision::kAuto));
  ASSERT_TRUE(automatic.ok());
  EXPECT_NE(automatic->gemms.precision, Precision::kAuto);
  const auto bf16 = CalibrateGemms(config_, Options(folder_, Precision::kBf16));
  if (HasBf16()) {
    ASSERT_TRUE(bf16.ok());
    EXPECT_EQ(bf16->gemms.precision, Precision::kBf16);
  } else {
    EXPECT_EQ(automatic->gemms.precision, Precision::kFp32);
    EXPECT_EQ(bf16.status().code(), absl::StatusCode::kFailedPrecondition);
  }
}

TEST_F(Calibration, CanBeOff) {
  const auto off = CalibrateGemms(config_, Options("off", Precision::kAuto));
  ASSERT_TRUE(off.ok());
  EXPECT_TRUE(off->gemms.choices.empty());
  EXPECT_EQ(off->gemms.precision, Precision::kFp32);
}

TEST(CalibrationFolder, FollowsTheOptionThenTheEnvironment) {
  setenv("XDG_CACHE_HOME", "/caches", 1);
  setenv("HOME", "/someone", 1);
  EXPECT_EQ(CalibrationFolder("here"), "here");
  EXPECT_EQ(CalibrationFolder("none"), "");
  EXPECT_EQ(CalibrationFolder(""), "/caches/fathom/calibration");
  unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(CalibrationFolder(""), "/someone/.cache/fathom/calibration");
  unsetenv("HOME");
  EXPECT_EQ(CalibrationFolder(""), "");
}

}  // namespace
}  // namespace fathom
