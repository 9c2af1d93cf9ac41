// Health, reflection, queue limits, cancellation, deadlines, metrics and drain over a real
// connection.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <prometheus/text_serializer.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/server/grpc/named_metrics.h"
#include "tests/server/grpc/server_fixture.h"

namespace fathom {
namespace {

using ::grpc::health::v1::HealthCheckResponse;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class LifecycleTest : public ServerTest {
 protected:
  // A call in flight, answered from gRPC's own thread.
  struct Call {
    grpc::ClientContext context;
    v1::PredictRequest request;
    v1::PredictResponse response;
    std::promise<grpc::Status> promise;
    std::future<grpc::Status> status = promise.get_future();
  };

  // Of a text that no other call has: equal ones would be computed once.
  std::unique_ptr<Call> StartCall(std::optional<std::chrono::milliseconds> timeout = {}) {
    auto call = std::make_unique<Call>();
    call->request = Request("fine day " + std::to_string(calls_++), "mood");
    if (timeout) call->context.set_deadline(std::chrono::system_clock::now() + *timeout);
    stub_->async()->Predict(
        &call->context, &call->request, &call->response,
        [raw = call.get()](grpc::Status status) { raw->promise.set_value(std::move(status)); });
    return call;
  }

  // A call that is inside a pass, which waits for the engine's Release.
  std::unique_ptr<Call> Occupy() {
    engine_->Hold();
    auto call = StartCall();
    engine_->AwaitRuns(1);
    return call;
  }

  // Waits until the server's queue shows `count` calls.
  void AwaitQueue(int count) {
    while (!HasMetric("fathom_queue_requests " + std::to_string(count))) std::this_thread::yield();
  }

  bool HasMetric(const std::string& line) {
    return Scrape().find(line + "\n") != std::string::npos;
  }

  std::string Scrape() {
    return prometheus::TextSerializer().Serialize(server_->metrics().registry()->Collect());
  }

  // GET /metrics.
  std::string ScrapePort() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(server_->metrics_port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
    EXPECT_EQ(write(fd, request.data(), request.size()), static_cast<ssize_t>(request.size()));
    std::string text;
    char buffer[4096];
    for (ssize_t n = 0; (n = read(fd, buffer, sizeof(buffer))) > 0;) {
      text.append(buffer, static_cast<size_t>(n));
    }
    close(fd);
    return text;
  }

  grpc::Status Check(const std::string& service, HealthCheckResponse* response) {
    grpc::ClientContext context;
    ::grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    return ::grpc::health::v1::Health::NewStub(channel_)->Check(&context, request, response);
  }

  int calls_ = 0;
};

TEST_F(LifecycleTest, HealthKnowsTheServerAndTheService) {
  Start();
  for (const std::string service : {"", "fathom.v1.InferenceService"}) {
    HealthCheckResponse response;
    ASSERT_TRUE(Check(service, &response).ok());
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  }
  HealthCheckResponse response;
  EXPECT_EQ(Check("no.such.Service", &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(LifecycleTest, AFullQueueIsSaidAtOnce) {
  Start({.metrics_listen = "", .scheduler = {.max_queue_requests = 1}});
  auto running = Occupy();
  auto waiting = StartCall();
  AwaitQueue(1);
  auto call = StartCall();
  const grpc::Status refused = call->status.get();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("the limit is 1"));
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(refused).reason(), "QUEUE_FULL");
  EXPECT_EQ(DetailOf<google::rpc::RetryInfo>(refused).retry_delay().nanos(), 50'000'000);
  const auto& trailers = call->context.GetServerTrailingMetadata();
  const auto pushback = trailers.find("grpc-retry-pushback-ms");
  ASSERT_NE(pushback, trailers.end());
  EXPECT_EQ(pushback->second, "50");
  engine_->Release();
  EXPECT_TRUE(running->status.get().ok());
  EXPECT_TRUE(waiting->status.get().ok());
  EXPECT_TRUE(HasMetric(R"(fathom_requests_total{code="RESOURCE_EXHAUSTED",task="mood"} 1)"));
}

TEST_F(LifecycleTest, CallsThatWaitTogetherShareAPass) {
  Start();
  auto running = Occupy();
  auto second = StartCall();
  auto third = StartCall();
  AwaitQueue(2);
  engine_->Release();
  EXPECT_TRUE(running->status.get().ok());
  EXPECT_TRUE(second->status.get().ok());
  EXPECT_TRUE(third->status.get().ok());
  EXPECT_EQ(third->response.usage().batch_inputs(), 2);
  EXPECT_THAT(engine_->passes(), SizeIs(2));
}

TEST_F(LifecycleTest, ACancelledCallIsDroppedFromTheQueue) {
  Start();
  auto running = Occupy();
  auto waiting = StartCall();
  AwaitQueue(1);
  waiting->context.TryCancel();
  EXPECT_EQ(waiting->status.get().error_code(), grpc::StatusCode::CANCELLED);
  AwaitQueue(0);  // while the pass still runs
  engine_->Release();
  EXPECT_TRUE(running->status.get().ok());
  server_->Drain();
  EXPECT_TRUE(HasMetric(R"(fathom_requests_total{code="CANCELLED",task="mood"} 1)"));
  EXPECT_TRUE(HasMetric(R"(fathom_requests_total{code="OK",task="mood"} 1)"));
  EXPECT_THAT(engine_->passes(), SizeIs(1));
}

TEST_F(LifecycleTest, ACallPastItsDeadlineIsDroppedFromTheQueue) {
  Start();
  auto running = Occupy();
  auto waiting = StartCall(std::chrono::milliseconds(200));
  EXPECT_EQ(waiting->status.get().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  AwaitQueue(0);  // the server has heard of it
  engine_->Release();
  EXPECT_TRUE(running->status.get().ok());
  EXPECT_TRUE(Predict(Request("a fine day", "mood")).ok());
  EXPECT_THAT(engine_->passes(), SizeIs(2));
}

TEST_F(LifecycleTest, DrainAnswersEverythingAcceptedAndRefusesTheRest) {
  Start();
  auto running = Occupy();
  auto waiting = StartCall();
  AwaitQueue(1);
  std::thread drain([this] { server_->Drain(); });
  HealthCheckResponse health;
  while (Check("", &health).ok() && health.status() != HealthCheckResponse::NOT_SERVING) {
    std::this_thread::yield();
  }
  EXPECT_EQ(health.status(), HealthCheckResponse::NOT_SERVING);
  // The queue closes right after health has changed; a call that slips in before is answered.
  grpc::Status refused;
  std::vector<std::unique_ptr<Call>> slipped;
  for (;;) {
    auto call = StartCall();
    if (call->status.wait_for(std::chrono::milliseconds(20)) == std::future_status::ready) {
      refused = call->status.get();
      break;
    }
    slipped.push_back(std::move(call));
  }
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(refused.error_message(), HasSubstr("shutting down"));
  engine_->Release();
  drain.join();
  EXPECT_TRUE(running->status.get().ok());
  EXPECT_TRUE(waiting->status.get().ok());
  for (const auto& call : slipped) EXPECT_TRUE(call->status.get().ok());
}

TEST_F(LifecycleTest, MetricsCountUnderTheFinalStatus) {
  Start();
  v1::PredictRequest request = Request("a fine day", "mood");
  request.mutable_depth()->set_skip_layers(4);
  ASSERT_TRUE(Predict(request).ok());
  ASSERT_FALSE(Predict(Request("a fine day", "weather")).ok());
  ASSERT_FALSE(Predict({}).ok());
  engine_->SetTaskLogits("topic", {NAN, 0, 0});
  ASSERT_TRUE(Predict(Request("a fine day", "topic")).ok());
  EXPECT_THAT(Scrape(),
              AllOf(HasSubstr(R"(fathom_requests_total{code="OK",task="mood"} 1)"),
                    HasSubstr(R"(fathom_requests_total{code="NOT_FOUND",task="other"} 1)"),
                    HasSubstr(R"(fathom_requests_total{code="INVALID_ARGUMENT",task="none"} 1)"),
                    HasSubstr(R"(fathom_requests_total{code="INTERNAL",task="topic"} 1)"),
                    HasSubstr(R"(fathom_skip_layers_chosen_total{skip_layers="4",task="mood"} 1)"),
                    HasSubstr("fathom_row_layers_run_total 120\n"),
                    HasSubstr("fathom_batch_texts_count 2\n"),
                    HasSubstr("fathom_compute_duration_seconds_count 2\n"),
                    HasSubstr("fathom_tokenize_duration_seconds_count 2\n")));
}

// One test for all that needs the metrics port: its HTTP server takes two seconds to stop.
TEST_F(LifecycleTest, MetricsAreServedAndAnAddressInUseIsAnErrorThatNamesIt) {
  Start({.metrics_listen = "127.0.0.1:0"});
  ASSERT_TRUE(Predict(Request("a fine day", "mood")).ok());
  const std::string scraped = ScrapePort();
  EXPECT_THAT(scraped, AllOf(HasSubstr("200 OK"), HasSubstr("fathom_batch_texts_count 1\n"),
                             HasSubstr("fathom_task_load_failures_total 1\n"),
                             HasSubstr(R"(version="1.2.3")")));
  for (const char* const file : {"deploy/grafana/fathom.json", "deploy/prometheus/alerts.yml"}) {
    const std::set<std::string> names = MetricsNamedIn(file);
    EXPECT_GT(names.size(), 5U) << file;
    for (const std::string& name : names) {
      EXPECT_THAT(scraped, HasSubstr("# TYPE " + name + " ")) << "named in " << file;
    }
  }

  ServerOptions same_port{.listen = address(), .metrics_listen = ""};
  const auto grpc_taken = Server::Start(std::make_unique<FakeEngine>(), same_port);
  EXPECT_EQ(grpc_taken.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(grpc_taken.status().message(), HasSubstr(address()));

  const std::string metrics = "127.0.0.1:" + std::to_string(server_->metrics_port());
  ServerOptions same_metrics{.listen = "127.0.0.1:0", .metrics_listen = metrics};
  EXPECT_THAT(Server::Start(std::make_unique<FakeEngine>(), same_metrics).status().message(),
              HasSubstr(metrics));
}

}  // namespace
}  // namespace fathom
