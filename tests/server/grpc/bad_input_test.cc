// What a client can do wrong, over a real connection: the status names the field and the limit, and
// the server goes on.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>

#include "server/grpc/parse.h"
#include "tests/server/grpc/server_fixture.h"

namespace fathom {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct BadRequestCase {
  std::string title;
  std::function<void(v1::PredictRequest&)> change;  // of a good request
  std::string field;
  std::string message;
};

class BadInputTest : public ServerTest {
 protected:
  // Sends bytes that need not be a message.
  grpc::Status SendBytes(const std::string& method, const std::string& bytes) {
    grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub(channel_);
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    grpc::ClientContext context;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&context, "/fathom.v1.InferenceService/" + method, {}, &request, &response,
                   [&done](grpc::Status status) { done.set_value(std::move(status)); });
    return done.get_future().get();
  }
};

class BadRequestTable : public BadInputTest,
                        public ::testing::WithParamInterface<BadRequestCase> {};

TEST_P(BadRequestTable, NamesFieldAndLimit) {
  Start({.metrics_listen = "", .limits = {.max_inputs = 4, .max_tasks = 3}});
  v1::PredictRequest request = Request("a fine day", "mood");
  GetParam().change(request);
  const grpc::Status status = Predict(request);
  ASSERT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  EXPECT_THAT(status.error_message(),
              AllOf(HasSubstr(GetParam().field), HasSubstr(GetParam().message)));
  const auto details = DetailOf<google::rpc::BadRequest>(status);
  ASSERT_EQ(details.field_violations_size(), 1);
  EXPECT_EQ(details.field_violations(0).field(), GetParam().field);
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).domain(), "fathom");
  EXPECT_TRUE(engine_->passes().empty());
  EXPECT_TRUE(Predict(Request("a fine day", "mood")).ok());
}

constexpr char kLongText[] = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17";

INSTANTIATE_TEST_SUITE_P(
    Cases, BadRequestTable,
    ::testing::Values(
        BadRequestCase{"NoInputs", [](auto& r) { r.clear_inputs(); }, "inputs", "1 to 4"},
        BadRequestCase{"NoTasks", [](auto& r) { r.clear_tasks(); }, "tasks", "1 to 3"},
        BadRequestCase{"TooManyInputs",
                       [](auto& r) {
                         for (int i = 0; i < 4; ++i) r.add_inputs()->set_text("x");
                       },
                       "inputs", "limit is 4"},
        BadRequestCase{"TooManyTasks",
                       [](auto& r) {
                         for (int i = 0; i < 3; ++i) r.add_tasks()->set_name("mood");
                       },
                       "tasks", "limit is 3"},
        BadRequestCase{"EmptyInput", [](auto& r) { r.add_inputs(); }, "inputs[1]", "no kind set"},
        BadRequestCase{"EmptyTaskName", [](auto& r) { r.add_tasks(); }, "tasks[1].name", "empty"},
        BadRequestCase{"LongTaskName",
                       [](auto& r) { r.mutable_tasks(0)->set_name(std::string(300, 'x')); },
                       "tasks[0].name", "limit is 256"},
        BadRequestCase{"VersionTooLarge",
                       [](auto& r) { r.mutable_tasks(0)->set_version(4000000000U); },
                       "tasks[0].version", "4000000000"},
        BadRequestCase{"NoTokenIds", [](auto& r) { r.add_inputs()->mutable_token_ids(); },
                       "inputs[1].token_ids.ids", "empty"},
        BadRequestCase{"SegmentsOfAnotherLength",
                       [](auto& r) {
                         r.mutable_inputs(0)->mutable_token_ids()->add_ids(1);
                         r.mutable_inputs(0)->mutable_token_ids()->add_segment_ids(0);
                         r.mutable_inputs(0)->mutable_token_ids()->add_segment_ids(0);
                       },
                       "inputs[0].token_ids.segment_ids", "2 of them for 1 ids"},
        BadRequestCase{
            "TokenIdBeyondInt",
            [](auto& r) { r.mutable_inputs(0)->mutable_token_ids()->add_ids(1U << 31U); },
            "inputs[0].token_ids", "2147483648"},
        BadRequestCase{"UnknownTokenId",
                       [](auto& r) { r.mutable_inputs(0)->mutable_token_ids()->add_ids(5000); },
                       "inputs[0].token_ids", "unknown token id 5000"},
        BadRequestCase{"LongTextWithTruncationOff",
                       [](auto& r) {
                         r.add_inputs()->set_text(kLongText);
                         r.mutable_options()->set_truncation(v1::TRUNCATION_ERROR);
                       },
                       "inputs[1].text", "limit is 16"},
        BadRequestCase{
            "UnknownTruncation",
            [](auto& r) { r.mutable_options()->set_truncation(static_cast<v1::Truncation>(99)); },
            "options.truncation", "99"},
        BadRequestCase{
            "UnknownCacheMode",
            [](auto& r) { r.mutable_options()->set_cache(static_cast<v1::CacheMode>(99)); },
            "options.cache", "99"},
        BadRequestCase{"DepthOutOfRange", [](auto& r) { r.mutable_depth()->set_skip_layers(13); },
                       "depth.skip_layers", "0 to 12"},
        BadRequestCase{"DepthOutsideTheTrainedRange",
                       [](auto& r) { r.mutable_depth()->set_skip_layers(12); }, "depth.skip_layers",
                       "0 to 11"},
        BadRequestCase{"TaskDepthOutsideTheTrainedRange",
                       [](auto& r) {
                         r.add_tasks()->set_name("likeness");
                         r.mutable_tasks(1)->mutable_depth()->set_skip_layers(1);
                       },
                       "tasks[1].depth.skip_layers", "'likeness' was trained for, 0 to 0"}),
    [](const auto& instance) { return instance.param.title; });

TEST_F(BadInputTest, AnUnknownTaskIsNotFoundAndNamesTheKnownOnes) {
  Start();
  for (const std::string task : {"weather", "broken"}) {
    const grpc::Status status = Predict(Request("a fine day", task));
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_THAT(status.error_message(),
                AllOf(HasSubstr(task), HasSubstr("genres, likeness, mood, names, topic")));
    const auto resource = DetailOf<google::rpc::ResourceInfo>(status);
    EXPECT_EQ(resource.resource_type(), "fathom.v1.Task");
    EXPECT_EQ(resource.resource_name(), task);
    EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(status).reason(), "TASK_NOT_FOUND");
  }
}

TEST_F(BadInputTest, AnUnknownVersionIsNotFound) {
  Start();
  v1::PredictRequest request = Request("a fine day", "mood");
  request.mutable_tasks(0)->set_version(7);
  EXPECT_EQ(Predict(request).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(BadInputTest, WhatIsNotBuiltInIsUnimplemented) {
  Start();
  v1::PredictRequest budget = Request("a fine day", "mood");
  budget.mutable_depth()->mutable_latency_budget()->set_nanos(5000000);
  v1::PredictRequest quality = Request("a fine day", "mood");
  quality.mutable_depth()->set_min_quality(0.95F);
  v1::PredictRequest priority = Request("a fine day", "mood");
  priority.mutable_options()->set_priority(3);
  for (const auto& request : {budget, quality, priority}) {
    const grpc::Status status = Predict(request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
    EXPECT_THAT(status.error_message(), HasSubstr("is not built in yet"));
  }
}

TEST_F(BadInputTest, AStringThatIsNotUtf8IsNamed) {
  Start();
  // Field 1 (inputs) of PredictRequest, in it field 1 (text), once good and once bad.
  const std::string good = std::string("\x0A\x04\x0A\x02", 4) + "ok";
  const std::string bad = std::string("\x0A\x05\x0A\x03", 4) + "a\xFFz";
  const grpc::Status text = SendBytes("Predict", good + bad);
  EXPECT_EQ(text.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(text.error_message(), "inputs[1].text: not UTF-8 at byte 1");
  EXPECT_EQ(DetailOf<google::rpc::BadRequest>(text).field_violations(0).field(), "inputs[1].text");

  // Field 2 (tasks), in it field 1 (name).
  const grpc::Status name = SendBytes("Predict", good + std::string("\x12\x03\x0A\x01\xC3", 5));
  EXPECT_THAT(name.error_message(), HasSubstr("tasks[0].name: not UTF-8 at byte 0"));

  const grpc::Status prefix = SendBytes("ListTasks", std::string("\x1A\x01\xC3", 3));
  EXPECT_THAT(prefix.error_message(), HasSubstr("name_prefix: not UTF-8"));
  EXPECT_TRUE(Predict(Request("a fine day", "mood")).ok());
}

TEST_F(BadInputTest, BytesThatAreNoMessageAreSaidToBeNone) {
  Start();
  for (const std::string method : {"Predict", "ListTasks", "GetServerInfo"}) {
    const grpc::Status status = SendBytes(method, "\x0A\x7F");
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << method;
    EXPECT_THAT(status.error_message(), HasSubstr(method + "Request message"));
  }
}

TEST_F(BadInputTest, AMessageOverTheLimitIsRefused) {
  Start({.metrics_listen = "", .limits = {.max_message_bytes = 1000}});
  const grpc::Status status = Predict(Request(std::string(2000, 'x'), "mood"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("1000"));
}

TEST_F(BadInputTest, ALongUnknownNameStillFitsIntoTheAnswer) {
  Start();
  const grpc::Status status = Predict(Request("x", std::string(256, 'n')));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND) << status.error_message();
}

}  // namespace
}  // namespace fathom
