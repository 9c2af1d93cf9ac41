// What a refusal of the scheduler says on the wire.
#include "server/grpc/status.h"

#include <google/rpc/error_details.pb.h>
#include <gtest/gtest.h>

#include "server/schedule/refusal.h"

namespace fathom {
namespace {

TEST(ToRpcStatus, SaysReasonAndRetryDelayAsDetailsAlone) {
  const absl::Status status = WithRetryDelay(
      WithReason(absl::ResourceExhaustedError("full"), "QUEUE_FULL"), absl::Milliseconds(2750));
  const google::rpc::Status rpc = ToRpcStatus(status);
  ASSERT_EQ(rpc.details_size(), 2);
  google::rpc::ErrorInfo info;
  google::rpc::RetryInfo retry;
  for (const auto& detail : rpc.details()) {
    EXPECT_TRUE(detail.UnpackTo(&info) || detail.UnpackTo(&retry));
  }
  EXPECT_EQ(info.reason(), "QUEUE_FULL");
  EXPECT_EQ(retry.retry_delay().seconds(), 2);
  EXPECT_EQ(retry.retry_delay().nanos(), 750'000'000);
}

TEST(ToRpcStatus, HasNoRetryInfoWithoutADelay) {
  const google::rpc::Status rpc =
      ToRpcStatus(absl::UnavailableError("the server is shutting down"));
  ASSERT_EQ(rpc.details_size(), 1);
  EXPECT_TRUE(rpc.details(0).Is<google::rpc::ErrorInfo>());
}

}  // namespace
}  // namespace fathom
