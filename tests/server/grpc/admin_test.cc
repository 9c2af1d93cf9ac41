#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <future>
#include <thread>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/server/grpc/admin_fixture.h"

namespace fathom {
namespace {

using ::grpc::health::v1::HealthCheckResponse;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Stub = v1::AdminService::StubInterface;

class AdminTest : public AdminFixture {
 protected:
  // A call in flight, answered from gRPC's own thread.
  struct InFlight {
    grpc::ClientContext context;
    v1::PredictRequest request;
    v1::PredictResponse response;
    std::promise<grpc::Status> promise;
    std::future<grpc::Status> status = promise.get_future();
  };
  std::unique_ptr<InFlight> StartCall(const std::string& task) {
    auto call = std::make_unique<InFlight>();
    call->request = Request("fine day " + std::to_string(calls_++), task);
    stub_->async()->Predict(
        &call->context, &call->request, &call->response,
        [raw = call.get()](grpc::Status status) { raw->promise.set_value(std::move(status)); });
    return call;
  }

  // Waits until the server's queue shows `count` calls.
  void AwaitQueue(int count) {
    const std::string line = "fathom_queue_requests " + std::to_string(count) + "\n";
    for (;;) {
      const std::string metrics =
          prometheus::TextSerializer().Serialize(server_->metrics().registry()->Collect());
      if (metrics.find(line) != std::string::npos) return;
      std::this_thread::yield();
    }
  }

  HealthCheckResponse::ServingStatus Health() {
    grpc::ClientContext context;
    HealthCheckResponse response;
    ::grpc::health::v1::Health::NewStub(channel_)->Check(&context, {}, &response);
    return response.status();
  }

  int calls_ = 0;
};

TEST_F(AdminTest, LoadServesAVersionAndSaysWhatItIs) {
  StartWithAdmin();
  engine_->tasks().Write(Version("mood", 2));
  EXPECT_EQ(Answering("mood"), 1u);
  v1::LoadTaskResponse response;
  const grpc::Status status = Load("mood", 0, false, false, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.task().name(), "mood");
  EXPECT_EQ(response.task().version(), 2u);
  EXPECT_TRUE(response.task().default_version());
  EXPECT_EQ(response.task().labels_size(), 2);
  EXPECT_EQ(Answering("mood"), 2u);
  ASSERT_TRUE(Load("mood", 1, /*make_default=*/true).ok());
  EXPECT_EQ(Answering("mood"), 1u);
  ASSERT_TRUE(SetDefault("mood", 0).ok());
  EXPECT_EQ(Answering("mood"), 2u);
  ASSERT_TRUE(SetDefault("mood", 1).ok());
  EXPECT_EQ(Answering("mood"), 1u);
}

TEST_F(AdminTest, ValidatingChangesNothing) {
  StartWithAdmin();
  engine_->tasks().Write(Version("mood", 2));
  engine_->tasks().Write(RefusedTask("topic", absl::DataLossError("head.weight is missing")));
  v1::LoadTaskResponse response;
  ASSERT_TRUE(Load("mood", 0, true, /*validate_only=*/true, &response).ok());
  EXPECT_EQ(response.task().version(), 2u);
  EXPECT_FALSE(response.task().default_version());
  EXPECT_EQ(Load("topic", 0, true, true).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(Answering("mood"), 1u);
  EXPECT_EQ(Answering("topic"), 1u);
  EXPECT_EQ(engine_->task_counts().load_failures, 1) << "the one of the start";
}

TEST_F(AdminTest, ABadNewVersionLeavesTheOldOne) {
  StartWithAdmin();
  engine_->tasks().Write(RefusedTask("mood", absl::DataLossError("head.weight is missing")));
  const grpc::Status status = Load("mood");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("head.weight is missing"));
  EXPECT_EQ(Answering("mood"), 1u);

  v1::ListTasksRequest request;
  request.set_name_prefix("mood");
  request.set_page_size(1);
  grpc::ClientContext context;
  v1::ListTasksResponse list;
  ASSERT_TRUE(stub_->ListTasks(&context, request, &list).ok());
  ASSERT_EQ(list.tasks_size(), 2) << "a version's two entries are on one page";
  EXPECT_FALSE(list.tasks(0).has_load_error());
  EXPECT_TRUE(list.tasks(0).default_version());
  EXPECT_THAT(list.tasks(1).load_error().message(), HasSubstr("head.weight is missing"));
}

TEST_F(AdminTest, ScanSaysWhatItChanged) {
  StartWithAdmin();
  engine_->tasks().Write(Version("news", 3));
  engine_->tasks().Remove("topic", 1);
  engine_->tasks().Write(RefusedTask("mood", absl::DataLossError("torn")));
  v1::ScanTasksResponse response;
  ASSERT_TRUE(Call(&Stub::ScanTasks, v1::ScanTasksRequest(), &response).ok());
  ASSERT_EQ(response.loaded_size(), 1);
  EXPECT_EQ(response.loaded(0).name(), "news");
  EXPECT_EQ(response.loaded(0).version(), 3u);
  ASSERT_EQ(response.unloaded_size(), 1);
  EXPECT_EQ(response.unloaded(0).name(), "topic");
  ASSERT_EQ(response.refused_size(), 1);
  EXPECT_EQ(response.refused(0).load_error().message(), "torn");
  EXPECT_EQ(Answering("news"), 3u);
  EXPECT_EQ(Answering("topic"), 0u);
  engine_->FailNextScan(absl::NotFoundError("the folder is gone"));
  EXPECT_EQ(Call(&Stub::ScanTasks, v1::ScanTasksRequest(), &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(AdminTest, ATaskUnloadedWhileQueuedAnswers) {
  StartWithAdmin();
  engine_->Hold();
  auto running = StartCall("mood");
  engine_->AwaitRuns(1);
  auto queued = StartCall("topic");
  AwaitQueue(1);
  ASSERT_TRUE(Unload("topic").ok());
  ASSERT_TRUE(Unload("mood", 1).ok());
  EXPECT_EQ(Answering("topic"), 0u);
  engine_->Release();
  EXPECT_TRUE(running->status.get().ok());
  EXPECT_TRUE(queued->status.get().ok());
  EXPECT_EQ(queued->response.results(0).tasks(0).name(), "topic");
  EXPECT_TRUE(queued->response.results(0).tasks(0).has_classification());
  EXPECT_EQ(Unload("topic").error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(AdminTest, RefusesWhatIsNoTask) {
  StartWithAdmin();
  for (const std::string name : {"", "..", "../../etc", "a/b", ".hidden", "copy.tmp"}) {
    const grpc::Status status = Load(name);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << name;
    EXPECT_EQ(DetailOf<google::rpc::BadRequest>(status).field_violations(0).field(), "name");
  }
  EXPECT_EQ(Load(std::string("a\0b", 3)).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Load(std::string(100000, 'a')).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  for (const grpc::Status& status :
       {Load("mood", 1U << 31), Unload("mood", ~0U), SetDefault("mood", ~0U)}) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(DetailOf<google::rpc::BadRequest>(status).field_violations(0).field(), "version");
  }
  for (const grpc::Status& status : {Load("weather"), Unload("weather"), SetDefault("weather", 1),
                                     SetDefault("mood", 7), Load("mood", 7)}) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_EQ(DetailOf<google::rpc::ResourceInfo>(status).resource_type(), "fathom.v1.Task");
  }
  EXPECT_EQ(SetDefault("broken", 1).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

// A name that is not UTF-8 cannot be sent by a stub.
TEST_F(AdminTest, MalformedBytesNameTheField) {
  StartWithAdmin();
  const auto call = [this](const std::string& bytes) {
    const grpc::Slice slice(bytes);
    grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    grpc::ClientContext context;
    std::promise<grpc::Status> done;
    grpc::GenericStub(AdminChannel())
        .UnaryCall(&context, "/fathom.v1.AdminService/LoadTask", {}, &request, &response,
                   [&](grpc::Status status) { done.set_value(std::move(status)); });
    return done.get_future().get();
  };
  const grpc::Status not_utf8 = call("\x0A\x02\xC3\x28");
  EXPECT_EQ(not_utf8.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(not_utf8.error_message(), AllOf(HasSubstr("name"), HasSubstr("UTF-8 at byte 0")));
  const grpc::Status torn = call("\x0A\x7F");
  EXPECT_EQ(torn.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(torn.error_message(), HasSubstr("fathom.v1.LoadTaskRequest"));
}

TEST_F(AdminTest, TheOperatorsDefaultHoldsForEveryCall) {
  StartWithAdmin();
  v1::SetDepthPolicyRequest policy;
  policy.set_task("mood");
  policy.set_default_skip_layers(5);
  ASSERT_TRUE(Call(&Stub::SetDepthPolicy, policy).ok());
  v1::PredictResponse predicted;
  ASSERT_TRUE(Predict(Request("a fine day", "mood"), &predicted).ok());
  EXPECT_EQ(predicted.results(0).tasks(0).depth().skip_layers(), 5);
  v1::EmbedRequest embed;
  embed.add_inputs()->set_text("a fine day");
  embed.mutable_task()->set_name("mood");
  v1::EmbedResponse embedded;
  grpc::ClientContext embed_context;
  ASSERT_TRUE(stub_->Embed(&embed_context, embed, &embedded).ok());
  EXPECT_EQ(embedded.skip_layers(), 5);
  v1::ListTasksRequest list;
  list.set_name_prefix("mood");
  v1::ListTasksResponse listed;
  grpc::ClientContext list_context;
  ASSERT_TRUE(stub_->ListTasks(&list_context, list, &listed).ok());
  EXPECT_EQ(listed.tasks(0).default_skip_layers(), 5);
}

TEST_F(AdminTest, ClearCacheReachesTheEngine) {
  StartWithAdmin();
  EXPECT_TRUE(Call(&Stub::ClearCache, v1::ClearCacheRequest()).ok());
  EXPECT_EQ(engine_->cache_clears(), 1);
}

TEST_F(AdminTest, DrainAnswersWhenEveryAcceptedCallHas) {
  StartWithAdmin();
  engine_->Hold();
  auto running = StartCall("mood");
  engine_->AwaitRuns(1);
  std::future<grpc::Status> drained =
      std::async(std::launch::async, [this] { return Call(&Stub::Drain, v1::DrainRequest()); });
  while (Health() != HealthCheckResponse::NOT_SERVING) std::this_thread::yield();
  EXPECT_EQ(drained.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  engine_->Release();
  EXPECT_TRUE(running->status.get().ok());
  EXPECT_TRUE(drained.get().ok());
  EXPECT_EQ(Predict(Request("a fine day", "mood")).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(Call(&Stub::Drain, v1::DrainRequest()).ok()) << "once more";
  EXPECT_TRUE(Call(&Stub::ClearCache, v1::ClearCacheRequest()).ok()) << "the program goes on";
  server_->Drain();
}

// SIGTERM while an operator drains: both end, and neither cuts a call off.
TEST_F(AdminTest, DrainFromBothSides) {
  StartWithAdmin();
  engine_->Hold();
  auto running = StartCall("mood");
  engine_->AwaitRuns(1);
  std::future<grpc::Status> drained =
      std::async(std::launch::async, [this] { return Call(&Stub::Drain, v1::DrainRequest()); });
  while (Health() != HealthCheckResponse::NOT_SERVING) std::this_thread::yield();
  std::thread server_drain([this] { server_->Drain(); });
  engine_->Release();
  server_drain.join();
  EXPECT_TRUE(running->status.get().ok());
  EXPECT_TRUE(drained.get().ok());
}

TEST_F(AdminTest, ClientsPortHasNoAdminServiceAndTheAdminPortNoOther) {
  StartWithAdmin();
  const auto wrong_port = v1::AdminService::NewStub(channel_);
  grpc::ClientContext admin_context;
  v1::ClearCacheResponse cleared;
  EXPECT_EQ(wrong_port->ClearCache(&admin_context, {}, &cleared).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(engine_->cache_clears(), 0);
  grpc::ClientContext context;
  v1::GetServerInfoResponse info;
  EXPECT_EQ(v1::InferenceService::NewStub(AdminChannel())
                ->GetServerInfo(&context, {}, &info)
                .error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(AdminTest, ThereIsNoAdminPortUnlessAskedFor) {
  Start();
  EXPECT_EQ(server_->admin_port(), 0);
}

TEST_F(AdminTest, HealthKnowsTheAdminService) {
  StartWithAdmin();
  grpc::ClientContext context;
  ::grpc::health::v1::HealthCheckRequest request;
  request.set_service("fathom.v1.AdminService");
  HealthCheckResponse response;
  ASSERT_TRUE(::grpc::health::v1::Health::NewStub(AdminChannel())
                  ->Check(&context, request, &response)
                  .ok());
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
}

TEST_F(AdminTest, AnAddressInUseIsAnErrorThatNamesIt) {
  Start();
  const auto taken =
      Server::Start(std::make_unique<FakeEngine>(),
                    {.listen = "127.0.0.1:0", .metrics_listen = "", .admin_listen = address()});
  EXPECT_EQ(taken.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(taken.status().message(), HasSubstr(address()));
}

}  // namespace
}  // namespace fathom
