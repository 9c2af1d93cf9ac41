// Damaged messages to every method, over a real connection: each gets a clear status, and the
// server answers good calls all the time.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <random>

#include "server/grpc/parse.h"
#include "tests/server/grpc/server_fixture.h"

namespace fathom {
namespace {

using ::testing::AnyOf;
using ::testing::Eq;

constexpr char kService[] = "/fathom.v1.InferenceService/";

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

class HostileBytesTest : public ServerTest {
 protected:
  grpc::Status SendBytes(const std::string& method, const std::string& bytes) {
    grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub(channel_);
    const grpc::ByteBuffer request = ToBuffer(bytes);
    grpc::ByteBuffer response;
    grpc::ClientContext context;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&context, kService + method, {}, &request, &response,
                   [&done](grpc::Status status) { done.set_value(std::move(status)); });
    return done.get_future().get();
  }

  // Some bytes changed, cut off, or put in between.
  std::string Damage(std::string bytes) {
    const auto pick = [&](size_t below) {
      return std::uniform_int_distribution<size_t>(0, below - 1)(random_);
    };
    for (size_t changes = 1 + pick(3); changes > 0 && !bytes.empty(); --changes) {
      const size_t at = pick(bytes.size());
      switch (pick(4)) {
        case 0:
          bytes[at] = static_cast<char>(pick(256));
          break;
        case 1:
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << pick(8)));
          break;
        case 2:
          bytes.resize(at);
          break;
        default:
          bytes.insert(at, 1 + pick(4), static_cast<char>(pick(256)));
      }
    }
    return bytes;
  }

  static void AddInputs(google::protobuf::RepeatedPtrField<v1::Input>* inputs) {
    inputs->Add()->set_text("a fine dáy");
    v1::TextPair* pair = inputs->Add()->mutable_pair();
    pair->set_first("one");
    pair->set_second("two");
    v1::TokenIds* ids = inputs->Add()->mutable_token_ids();
    for (const uint32_t id : {1U, 7U, 2U}) ids->add_ids(id);
  }

  static v1::PredictRequest GoodPredict() {
    v1::PredictRequest request;
    AddInputs(request.mutable_inputs());
    for (const char* task : {"mood", "names", "genres"}) request.add_tasks()->set_name(task);
    request.mutable_tasks(0)->mutable_depth()->set_skip_layers(3);
    request.mutable_options()->set_return_logits(true);
    return request;
  }

  static v1::EmbedRequest GoodEmbed() {
    v1::EmbedRequest request;
    AddInputs(request.mutable_inputs());
    request.mutable_task()->set_name("mood");
    request.set_normalize(true);
    return request;
  }

  static v1::TokenizeRequest GoodTokenize() {
    v1::TokenizeRequest request;
    AddInputs(request.mutable_inputs());
    return request;
  }

  std::mt19937 random_{17};
};

TEST_F(HostileBytesTest, DamagedCallsGetAClearStatus) {
  Start();
  const std::pair<const char*, std::string> methods[] = {
      {"Predict", GoodPredict().SerializeAsString()},
      {"Embed", GoodEmbed().SerializeAsString()},
      {"Tokenize", GoodTokenize().SerializeAsString()},
  };
  for (const auto& [method, good] : methods) {
    ASSERT_TRUE(SendBytes(method, good).ok()) << method;
    for (int i = 0; i < 150; ++i) {
      const std::string bytes = Damage(good);
      EXPECT_THAT(SendBytes(method, bytes).error_code(),
                  AnyOf(Eq(grpc::StatusCode::OK), Eq(grpc::StatusCode::INVALID_ARGUMENT),
                        Eq(grpc::StatusCode::NOT_FOUND), Eq(grpc::StatusCode::UNIMPLEMENTED)))
          << method << " " << testing::PrintToString(bytes);
    }
    EXPECT_TRUE(SendBytes(method, good).ok()) << method;
  }
}

TEST_F(HostileBytesTest, StringsThatAreNotUtf8AreNamed) {
  Start();
  // Field 1 (inputs), in it field 1 (text).
  const std::string inputs = std::string("\x0A\x05\x0A\x03", 4) + "a\xFFz";
  for (const char* method : {"Embed", "Tokenize"}) {
    EXPECT_EQ(SendBytes(method, inputs).error_message(), "inputs[0].text: not UTF-8 at byte 1");
    EXPECT_EQ(SendBytes(method, "\x0A\x7F").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  }
}

// Bytes over a stream, answers as bytes: by gRPC's queue, since the stubs send messages only.
class RawStream {
 public:
  explicit RawStream(const std::shared_ptr<grpc::Channel>& channel) : stub_(channel) {
    call_ = stub_.PrepareCall(&context_, std::string(kService) + "PredictStream", &queue_);
    call_->StartCall(this);
    Await();
  }

  bool Write(const std::string& bytes) {
    call_->Write(ToBuffer(bytes), this);
    return Await();
  }

  std::optional<v1::PredictStreamResponse> Read() {
    grpc::ByteBuffer bytes;
    call_->Read(&bytes, this);
    v1::PredictStreamResponse response;
    if (!Await() || !ParseMessage(bytes, &response).ok()) return std::nullopt;
    return response;
  }

  grpc::Status Finish() {
    grpc::Status status;
    call_->WritesDone(this);
    Await();
    call_->Finish(&status, this);
    Await();
    return status;
  }

 private:
  bool Await() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

TEST_F(HostileBytesTest, DamagedCallsOfAStreamAreTheirOwnErrors) {
  Start();
  v1::PredictStreamRequest good;
  good.set_request_id("id");
  *good.mutable_request() = GoodPredict();
  RawStream stream(channel_);
  int refused = 0;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(stream.Write(Damage(good.SerializeAsString())));
    const auto answer = stream.Read();
    ASSERT_TRUE(answer.has_value());
    if (answer->has_error()) {
      ++refused;
      EXPECT_FALSE(answer->error().message().empty());
    }
  }
  EXPECT_GT(refused, 50);
  ASSERT_TRUE(stream.Write(good.SerializeAsString()));
  EXPECT_TRUE(stream.Read()->has_response());
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(HostileBytesTest, AStreamSaysWhichCallWasNotUtf8) {
  Start();
  RawStream stream(channel_);
  // Field 1 (request_id); field 2 (request), in it field 1 (inputs), in it field 1 (text).
  ASSERT_TRUE(stream.Write(std::string("\x0A\x02id\x12\x07\x0A\x05\x0A\x03", 10) + "a\xFFz"));
  const auto text = stream.Read();
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(text->request_id(), "id");
  EXPECT_EQ(text->error().message(), "request.inputs[0].text: not UTF-8 at byte 1");
  ASSERT_TRUE(stream.Write("\x0A\x02\xC3\x28"));
  const auto id = stream.Read();
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->request_id(), "");
  EXPECT_EQ(id->error().message(), "request_id: not UTF-8 at byte 0");
  EXPECT_TRUE(stream.Finish().ok());
}

}  // namespace
}  // namespace fathom
