// PredictStream over a real connection: answers as they finish, errors of one call, flow control,
// and clients that half-close, cancel, say nothing or never read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/grpc/server_fixture.h"

namespace fathom {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PredictStreamTest : public ServerTest {
 protected:
  using Stream = grpc::ClientReaderWriter<v1::PredictStreamRequest, v1::PredictStreamResponse>;

  std::unique_ptr<Stream> Open(grpc::ClientContext& context) {
    return stub_->PredictStream(&context);
  }

  static bool Send(Stream& stream, const std::string& id, const v1::PredictRequest& request) {
    v1::PredictStreamRequest message;
    message.set_request_id(id);
    *message.mutable_request() = request;
    return stream.Write(message);
  }

  // Of a text that no other call has: equal ones would be computed once.
  static v1::PredictRequest Good(int number) {
    return Request("fine day " + std::to_string(number), "mood");
  }

  static v1::PredictStreamResponse Receive(Stream& stream) {
    v1::PredictStreamResponse response;
    EXPECT_TRUE(stream.Read(&response));
    return response;
  }

  // What comes after the last answer.
  static grpc::Status End(Stream& stream) {
    v1::PredictStreamResponse response;
    EXPECT_FALSE(stream.Read(&response)) << response.ShortDebugString();
    return stream.Finish();
  }

  std::string Scrape() {
    return prometheus::TextSerializer().Serialize(server_->metrics().registry()->Collect());
  }

  void AwaitQueue(int count) {
    const std::string line = "fathom_queue_requests " + std::to_string(count) + "\n";
    while (Scrape().find(line) == std::string::npos) std::this_thread::yield();
  }
};

TEST_F(PredictStreamTest, AnswersEachCallAsPredictDoes) {
  Start();
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "abc-7");
  const auto stream = Open(context);
  std::set<std::string> ids;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(Send(*stream, std::to_string(i), Good(i)));
    const v1::PredictStreamResponse answer = Receive(*stream);
    ids.insert(answer.request_id());
    v1::PredictResponse alone;
    ASSERT_TRUE(Predict(Good(std::stoi(answer.request_id())), &alone).ok());
    EXPECT_EQ(answer.response().results(0).SerializeAsString(),
              alone.results(0).SerializeAsString());
  }
  ASSERT_TRUE(stream->WritesDone());
  EXPECT_TRUE(End(*stream).ok());
  EXPECT_EQ(ids.size(), 200U);
  EXPECT_EQ(context.GetServerTrailingMetadata().count("x-request-id"), 1U);
}

TEST_F(PredictStreamTest, AnswersInTheOrderInWhichTheyFinish) {
  Start();
  engine_->Hold();
  grpc::ClientContext context;
  const auto stream = Open(context);
  ASSERT_TRUE(Send(*stream, "slow", Good(1)));
  engine_->AwaitRuns(1);
  ASSERT_TRUE(Send(*stream, "refused", Request("a fine day", "weather")));
  EXPECT_EQ(Receive(*stream).request_id(), "refused");
  engine_->Release();
  EXPECT_EQ(Receive(*stream).request_id(), "slow");
  stream->WritesDone();
  EXPECT_TRUE(End(*stream).ok());
}

TEST_F(PredictStreamTest, WhatIsWrongWithOneCallIsItsOwnError) {
  Start();
  grpc::ClientContext context;
  const auto stream = Open(context);
  v1::PredictStreamRequest nothing;
  nothing.set_request_id("nothing");
  ASSERT_TRUE(stream->Write(nothing));
  EXPECT_THAT(Receive(*stream).error().message(), HasSubstr("request: not set"));

  ASSERT_TRUE(Send(*stream, "empty", {}));
  const v1::PredictStreamResponse empty = Receive(*stream);
  EXPECT_EQ(empty.request_id(), "empty");
  EXPECT_EQ(empty.error().code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(empty.error().message(), HasSubstr("inputs: empty"));
  EXPECT_GT(empty.error().details_size(), 0);

  engine_->FailNextRun(absl::InternalError("no memory for 40 rows"));
  ASSERT_TRUE(Send(*stream, "failed", Good(1)));
  EXPECT_EQ(Receive(*stream).error().message(), "no memory for 40 rows");

  ASSERT_TRUE(Send(*stream, "", Good(2)));
  EXPECT_TRUE(Receive(*stream).has_response());
  stream->WritesDone();
  EXPECT_TRUE(End(*stream).ok());
}

TEST_F(PredictStreamTest, ReadsNoMoreThanItMayWorkOn) {
  Start({.metrics_listen = "", .limits = {.max_stream_requests = 2}});
  engine_->Hold();
  grpc::ClientContext context;
  const auto stream = Open(context);
  ASSERT_TRUE(Send(*stream, "running", Good(1)));
  engine_->AwaitRuns(1);
  ASSERT_TRUE(Send(*stream, "waiting", Good(2)));
  // Would be answered at once if it were read; the call behind it on the connection is.
  ASSERT_TRUE(Send(*stream, "refused", Request("a fine day", "weather")));
  EXPECT_EQ(Predict(Request("a fine day", "weather")).error_code(), grpc::StatusCode::NOT_FOUND);
  AwaitQueue(1);
  engine_->Release();
  EXPECT_EQ(Receive(*stream).request_id(), "running");
  const std::set<std::string> rest = {Receive(*stream).request_id(), Receive(*stream).request_id()};
  EXPECT_THAT(rest, ElementsAre("refused", "waiting"));
  stream->WritesDone();
  EXPECT_TRUE(End(*stream).ok());
}

TEST_F(PredictStreamTest, AClientThatNeverReadsHoldsUpNobodyElse) {
  constexpr int kPlaces = 3;
  constexpr int kSent = 20;
  Start({.metrics_listen = "", .limits = {.max_stream_requests = kPlaces}});
  grpc::ClientContext context;
  const auto stream = Open(context);
  for (int i = 0; i < kSent; ++i) {
    v1::PredictRequest request = Good(i);
    // Answers that fill the client's window.
    for (int task = 0; task < 100; ++task) *request.add_tasks() = request.tasks(0);
    for (int text = 0; text < 60; ++text) *request.add_inputs() = request.inputs(0);
    ASSERT_TRUE(Send(*stream, std::to_string(i), request));
  }
  engine_->AwaitRuns(1);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Predict(Request("another day", "topic")).ok());
  const auto from_stream = [this] {
    std::set<std::vector<int32_t>> texts;
    for (const SeenPass& pass : engine_->passes()) {
      for (const SeenPass::Text& text : pass.texts) {
        if (text.tasks[0].first == "mood") texts.insert(text.ids);
      }
    }
    return texts.size();
  };
  EXPECT_LT(from_stream(), size_t{kSent});
  std::set<std::string> ids;
  for (int i = 0; i < kSent; ++i) ids.insert(Receive(*stream).request_id());
  EXPECT_EQ(ids.size(), static_cast<size_t>(kSent));
  EXPECT_EQ(from_stream(), size_t{kSent});
  stream->WritesDone();
  EXPECT_TRUE(End(*stream).ok());
}

TEST_F(PredictStreamTest, WhoNeverReadsAndGoesLeavesNothingBehind) {
  Start({.metrics_listen = "", .limits = {.max_stream_requests = 2}});
  {
    grpc::ClientContext context;
    const auto stream = Open(context);
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(Send(*stream, "x", Good(i)));
    engine_->AwaitRuns(1);
    context.TryCancel();
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  EXPECT_TRUE(Predict(Good(1)).ok());
  server_->Drain();  // returns when every call has ended
  AwaitQueue(0);
}

TEST_F(PredictStreamTest, ACancelledStreamLeavesTheQueueWhileAPassRuns) {
  Start();
  engine_->Hold();
  grpc::ClientContext context;
  const auto stream = Open(context);
  ASSERT_TRUE(Send(*stream, "running", Good(0)));
  engine_->AwaitRuns(1);
  for (int i = 1; i < 4; ++i) ASSERT_TRUE(Send(*stream, "waiting", Good(i)));
  AwaitQueue(3);
  context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  AwaitQueue(0);
  engine_->Release();
  EXPECT_TRUE(Predict(Request("another day", "topic")).ok());
  server_->Drain();
  EXPECT_THAT(Scrape(), HasSubstr(R"(fathom_requests_total{code="CANCELLED",task="mood"} 4)"));
}

TEST_F(PredictStreamTest, EndsAtItsDeadline) {
  Start();
  engine_->Hold();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(100));
  const auto stream = Open(context);
  ASSERT_TRUE(Send(*stream, "running", Good(0)));
  EXPECT_EQ(End(*stream).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  engine_->Release();
  EXPECT_TRUE(Predict(Good(1)).ok());
}

TEST_F(PredictStreamTest, AClientThatSaysNothingEndsWithOk) {
  Start();
  grpc::ClientContext context;
  const auto stream = Open(context);
  stream->WritesDone();
  EXPECT_TRUE(End(*stream).ok());

  grpc::ClientContext cancelled;
  const auto silent = Open(cancelled);
  cancelled.TryCancel();
  EXPECT_EQ(silent->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(Predict(Good(1)).ok());
}

TEST_F(PredictStreamTest, EveryCallIsCounted) {
  Start();
  grpc::ClientContext context;
  const auto stream = Open(context);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Send(*stream, "", Good(i)));
    Receive(*stream);
  }
  ASSERT_TRUE(Send(*stream, "", Request("a fine day", "weather")));
  Receive(*stream);
  ASSERT_TRUE(Send(*stream, "", {}));
  Receive(*stream);
  stream->WritesDone();
  EXPECT_TRUE(End(*stream).ok());
  EXPECT_THAT(Scrape(),
              AllOf(HasSubstr(R"(fathom_requests_total{code="OK",task="mood"} 3)"),
                    HasSubstr(R"(fathom_requests_total{code="NOT_FOUND",task="other"} 1)"),
                    HasSubstr(R"(fathom_requests_total{code="INVALID_ARGUMENT",task="none"} 1)"),
                    HasSubstr("fathom_compute_duration_seconds_count 3\n")));
}

TEST_F(PredictStreamTest, AMessageOverTheLimitEndsTheStreamAlone) {
  Start({.metrics_listen = "", .limits = {.max_message_bytes = 1000}});
  grpc::ClientContext context;
  const auto stream = Open(context);
  ASSERT_TRUE(Send(*stream, "first", Good(0)));
  EXPECT_TRUE(Receive(*stream).has_response());
  Send(*stream, "large", Request(std::string(2000, 'x'), "mood"));
  EXPECT_EQ(End(*stream).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(Predict(Good(1)).ok());
}

TEST_F(PredictStreamTest, ManyStreamsThatComeAndGoAreAllAnswered) {
  Start({.metrics_listen = "", .limits = {.max_stream_requests = 4}});
  std::vector<std::thread> clients;
  for (int client = 0; client < 8; ++client) {
    clients.emplace_back([this, client] {
      for (int round = 0; round < 10; ++round) {
        grpc::ClientContext context;
        const auto stream = Open(context);
        for (int i = 0; i < 10; ++i) Send(*stream, std::to_string(i), Good(100 * client + i));
        if (round % 3 == 2) {
          context.TryCancel();
          EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
          continue;
        }
        stream->WritesDone();
        for (int i = 0; i < 10; ++i) EXPECT_TRUE(Receive(*stream).has_response());
        EXPECT_TRUE(End(*stream).ok());
      }
    });
  }
  for (std::thread& client : clients) client.join();
  server_->Drain();
}

}  // namespace
}  // namespace fathom
