#include "server/schedule/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/schedule/refusal.h"

namespace fathom {
namespace {

using ::testing::HasSubstr;
using Code = absl::StatusCode;

const absl::Time kNow = absl::FromUnixSeconds(1000);
constexpr OrderRules kRules = {.ageing = absl::Milliseconds(500), .near = absl::Milliseconds(200)};
constexpr PassLimits kLimits = {.max_rows = 100, .max_ms = 100};

absl::Time In(int ms) { return kNow + absl::Milliseconds(ms); }

struct AdmitCase {
  std::string title;
  Newcomer newcomer;
  QueueState queue;
  std::optional<Rejection> rejection = std::nullopt;
  Code code = Code::kOk;
  std::string message = "";
};

class AdmitTable : public ::testing::TestWithParam<AdmitCase> {};

constexpr SchedulerOptions kOptions = {
    .max_queue_requests = 10, .max_queue_rows = 1000, .max_queue_ms = 500};

TEST_P(AdmitTable, Holds) {
  const AdmitCase& row = GetParam();
  const std::optional<Refusal> refusal = Admit(row.newcomer, row.queue, kNow, kOptions);
  ASSERT_EQ(refusal.has_value(), row.rejection.has_value());
  if (!refusal.has_value()) return;
  EXPECT_EQ(refusal->rejection, *row.rejection);
  EXPECT_EQ(refusal->status.code(), row.code);
  EXPECT_THAT(refusal->status.message(), HasSubstr(row.message));
  EXPECT_EQ(RetryDelayOf(refusal->status).has_value(), row.code == Code::kResourceExhausted);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AdmitTable,
    ::testing::Values(
        AdmitCase{.title = "AnEmptyQueue", .newcomer = {.rows = 1000}},
        AdmitCase{"Draining",
                  {.rows = 1, .deadline = kNow},
                  {.draining = true},
                  Rejection::kDraining,
                  Code::kUnavailable,
                  "shutting down"},
        AdmitCase{"DeadlinePassed",
                  {.rows = 1, .deadline = kNow},
                  {},
                  Rejection::kDeadlinePassed,
                  Code::kDeadlineExceeded,
                  "passed"},
        AdmitCase{"Cancelled",
                  {.rows = 1, .cancelled = true},
                  {},
                  Rejection::kCancelledEarly,
                  Code::kCancelled,
                  "cancelled"},
        AdmitCase{"MoreThanTheQueueEverHolds",
                  {.rows = 1001},
                  {.length = {.requests = 99}},
                  Rejection::kInvalid,
                  Code::kInvalidArgument,
                  "1001 tokens"},
        AdmitCase{"TheLastPlace", {.rows = 1}, {.length = {.requests = 9, .rows = 999}}},
        AdmitCase{"TooManyRequests",
                  {.rows = 1},
                  {.length = {.requests = 10}},
                  Rejection::kQueueRequests,
                  Code::kResourceExhausted,
                  "10 calls wait, the limit is 10"},
        AdmitCase{"TooManyRows",
                  {.rows = 2},
                  {.length = {.requests = 1, .rows = 999}},
                  Rejection::kQueueRows,
                  Code::kResourceExhausted,
                  "the limit is 1000"},
        AdmitCase{"AWaitWithinTheLimit",
                  {.rows = 1},
                  {.running_ms = 100, .ahead = {.until_turn_ms = 400}}},
        AdmitCase{"TooLongAWait",
                  {.rows = 1},
                  {.running_ms = 101, .ahead = {.until_turn_ms = 400}},
                  Rejection::kQueueMs,
                  Code::kResourceExhausted,
                  "a call would wait 501 ms, as predicted, the limit is 500"},
        AdmitCase{"WhatRunsAloneIsNoQueue", {.rows = 1}, {.running_ms = 9000}},
        AdmitCase{"ADeadlineThatCanBeMet",
                  {.rows = 1, .deadline = In(120), .least_ms = 20},
                  {.running_ms = 60, .ahead = {.until_turn_ms = 400, .earliest_ms = 40}}},
        AdmitCase{"ADeadlineTooNear",
                  {.rows = 1, .deadline = In(120), .least_ms = 21},
                  {.running_ms = 60, .ahead = {.until_turn_ms = 400, .earliest_ms = 40}},
                  Rejection::kDeadlineTooNear,
                  Code::kDeadlineExceeded,
                  "121.0 ms with its wait, as predicted, and its deadline is in 120.0 ms"},
        AdmitCase{
            "NothingPredictedRefusesNothing", {.rows = 1, .deadline = In(1)}, {.running_ms = 60}}),
    [](const auto& instance) { return instance.param.title; });

struct AheadCase {
  std::string title;
  Newcomer newcomer;
  std::vector<WaitingRequest> waiting;
  double until_turn_ms = 0;
  double earliest_ms = 0;
};

class AheadOfTable : public ::testing::TestWithParam<AheadCase> {};

TEST_P(AheadOfTable, Holds) {
  const AheadCase& row = GetParam();
  const Ahead ahead = AheadOf(row.newcomer, row.waiting, kNow, kRules, kLimits);
  EXPECT_DOUBLE_EQ(ahead.until_turn_ms, row.until_turn_ms);
  EXPECT_DOUBLE_EQ(ahead.earliest_ms, row.earliest_ms);
}

const WaitingRequest kSmall = {.since = kNow, .ms = 20, .waiting_share = 0.2};
const WaitingRequest kLarge = {.since = kNow, .ms = 900, .waiting_share = 9};

WaitingRequest At(WaitingRequest request, int priority, absl::Time deadline = In(9999)) {
  request.priority = priority;
  request.deadline = deadline;
  return request;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AheadOfTable,
    ::testing::Values(
        AheadCase{.title = "NothingWaits"},
        AheadCase{"OfItsOwnLevelOneTurnEach", {.deadline = In(100)}, {kSmall, kLarge}, 70, 0},
        AheadCase{"OfAHigherLevelAll", {}, {At(kLarge, 1)}, 900, 900},
        AheadCase{"OfALowerLevelNothing", {.priority = 2}, {At(kLarge, 1)}, 0, 0},
        AheadCase{"WhatWaitedLongIsOfAHigherLevel",
                  {},
                  {{.since = In(-600), .ms = 20, .waiting_share = 0.2}},
                  20,
                  20},
        AheadCase{"AnEarlierDeadlineIsNotOvertaken",
                  {.deadline = In(100)},
                  {At(kSmall, 0, In(90)), At(kSmall, 0, In(110))},
                  40,
                  20},
        AheadCase{"WhatIsGoneDoesNotCount", {}, {At(kSmall, 0, kNow)}, 0, 0}),
    [](const auto& instance) { return instance.param.title; });

TEST(RetryDelay, IsHalfTheWaitWithinBounds) {
  EXPECT_EQ(RetryDelay(0), absl::Milliseconds(50));
  EXPECT_EQ(RetryDelay(500), absl::Milliseconds(250));
  EXPECT_EQ(RetryDelay(1e9), absl::Seconds(5));
}

TEST(QueueShare, IsTheLargestOfTheThree) {
  EXPECT_DOUBLE_EQ(QueueShare({.requests = 5, .rows = 100}, 50, kOptions), 0.5);
  EXPECT_DOUBLE_EQ(QueueShare({.requests = 5, .rows = 700}, 50, kOptions), 0.7);
  EXPECT_DOUBLE_EQ(QueueShare({.requests = 5, .rows = 700}, 400, kOptions), 0.8);
  EXPECT_DOUBLE_EQ(QueueShare({}, 9999, kOptions), 1);
}

TEST(Refusal, CarriesReasonAndDelay) {
  const absl::Status status = WithRetryDelay(
      WithReason(absl::ResourceExhaustedError("full"), "QUEUE_FULL"), absl::Milliseconds(70));
  EXPECT_EQ(ReasonOf(status), "QUEUE_FULL");
  EXPECT_EQ(RetryDelayOf(status), absl::Milliseconds(70));
  EXPECT_FALSE(ReasonOf(absl::InternalError("")).has_value());
  EXPECT_FALSE(RetryDelayOf(absl::OkStatus()).has_value());
}

}  // namespace
}  // namespace fathom
