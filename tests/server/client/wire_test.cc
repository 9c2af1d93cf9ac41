// What the real `fathom` program puts on the wire, and what it makes of answers.
#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/server/client/recording_server.h"
#include "tests/support/process.h"

namespace fathom {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

class WireTest : public ::testing::Test {
 protected:
  Finished Fathom(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), FATHOM_CLIENT);
    return RunProcess(arguments, {"FATHOM_ADDRESS=" + server_.address(),
                                  "FATHOM_ADMIN_ADDRESS=" + server_.address()});
  }

  // Runs a command that is to succeed; its call.
  SeenCall Ask(const std::vector<std::string>& arguments) {
    const Finished run = Fathom(arguments);
    EXPECT_EQ(run.exit_code, 0) << run.error;
    output_ = run.output;
    const auto seen = server_.seen();
    return seen.empty() ? SeenCall{} : seen.back();
  }

  RecordingServer server_;
  std::string output_;
};

TEST_F(WireTest, EqualTextsHaveEqualAffinityAndEveryCommandARequestId) {
  const SeenCall first = Ask({"tokenize", "a fine day"});
  const SeenCall again = Ask({"tokenize", "a fine day"});
  const SeenCall other = Ask({"tokenize", "another day", "--request-id", "mine"});
  EXPECT_EQ(first.metadata.at("x-affinity-key"), "e25fc1e23802727b");
  EXPECT_EQ(again.metadata.at("x-affinity-key"), first.metadata.at("x-affinity-key"));
  EXPECT_NE(other.metadata.at("x-affinity-key"), first.metadata.at("x-affinity-key"));
  EXPECT_EQ(first.metadata.at("x-request-id").size(), 16U);
  EXPECT_NE(again.metadata.at("x-request-id"), first.metadata.at("x-request-id"));
  EXPECT_EQ(other.metadata.at("x-request-id"), "mine");
  EXPECT_THAT(first.metadata, Not(Contains(Key("authorization"))));
}

TEST_F(WireTest, TheTokenOfAFileIsSentAsBearer) {
  const std::string path = ::testing::TempDir() + "/wire_test_token";
  std::ofstream(path) << "secret\n";
  EXPECT_THAT(Ask({"admin", "drain", "--token-file", path}).metadata,
              Contains(Pair("authorization", "Bearer secret")));
  const Finished without = Fathom({"admin", "drain", "--token-file", path + ".none"});
  EXPECT_THAT(without.error, HasSubstr("no token in --token-file"));
}

TEST_F(WireTest, EmbedShowsWidthAndLength) {
  for (const float value : {3.0F, 4.0F}) server_.embed.add_embeddings()->add_values(value);
  server_.embed.mutable_embeddings(0)->add_values(4);
  server_.embed.mutable_embeddings(1)->mutable_error()->set_message("too long");
  const Finished run = Fathom({"embed", "one", "two", "--pooling", "cls", "--normalize", "--task",
                               "topic", "--skip-layers", "4", "--allow-untrained-depth"});
  EXPECT_EQ(run.exit_code, 1);  // one of the two failed
  EXPECT_THAT(run.output,
              AllOf(HasSubstr("one   2      5.0000  3.0000 4.0000"), HasSubstr("error: too long")));
  EXPECT_EQ(server_.seen()[0].message,
            "inputs { text: \"one\" } inputs { text: \"two\" } pooling: POOLING_CLS "
            "task { name: \"topic\" depth { skip_layers: 4 allow_untrained_depth: true } } "
            "normalize: true");
}

TEST_F(WireTest, TokenizeShowsTheIds) {
  v1::TokenIds* ids = server_.tokenize.add_token_ids();
  for (const uint32_t id : {101U, 7U, 9U, 102U}) ids->add_ids(id);
  v1::TokenDetails* details = server_.tokenize.add_details();
  details->add_spans()->set_special(true);
  details->add_spans()->set_end(5);
  v1::TokenSpan* second = details->add_spans();
  second->set_text(1);
  second->set_end(300);  // further than the text goes
  details->add_spans()->set_special(true);
  const SeenCall call = Ask({"tokenize", "hello", "--pair", "you", "--truncation", "only-second"});
  EXPECT_EQ(call.message,
            "inputs { pair { first: \"hello\" second: \"you\" } } "
            "truncation: TRUNCATION_ONLY_SECOND");
  EXPECT_THAT(output_, HasSubstr("hello | you  4       101 7 9 102  * hello you *\n"));
}

TEST_F(WireTest, AStreamShowsAnswersAsTheyCome) {
  const Finished run = Fathom({"predict", "--stream", "--task", "mood", "one", "bad", "two"});
  EXPECT_EQ(run.exit_code, 1);  // "bad" failed
  EXPECT_THAT(run.output, HasSubstr("two  mood  label of two"));
  EXPECT_THAT(run.output, HasSubstr("bad  error: this one failed"));
  EXPECT_LT(run.output.find("label of two"), run.output.find("label of one"));

  const Finished json = Fathom({"predict", "--stream", "--json", "--task", "mood", "one", "two"});
  EXPECT_EQ(json.exit_code, 0) << json.error;
  const auto first = nlohmann::json::parse(json.output.substr(0, json.output.find('\n')));
  EXPECT_EQ(first["request_id"], "1");
}

TEST_F(WireTest, AStreamThatBreaksIsAnError) {
  server_.status = {grpc::StatusCode::UNAVAILABLE, "draining"};
  const Finished run = Fathom({"predict", "--stream", "--task", "mood", "one"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.error, HasSubstr("UNAVAILABLE: draining"));
}

TEST_F(WireTest, AdminCommandsSendWhatTheirFlagsSay) {
  server_.load.mutable_task()->set_name("topic");
  EXPECT_EQ(Ask({"admin", "load", "topic", "--version", "2", "--make-default", "--validate-only"})
                .message,
            "name: \"topic\" version: 2 make_default: true validate_only: true");
  EXPECT_THAT(output_, HasSubstr("topic"));
  EXPECT_EQ(Ask({"admin", "unload", "topic", "--version", "1"}).message,
            "name: \"topic\" version: 1");
  EXPECT_EQ(Ask({"admin", "set-default", "topic", "--version", "3"}).message,
            "name: \"topic\" version: 3");
  EXPECT_EQ(Ask({"admin", "depth-policy", "topic", "--quality-floor", "0.5", "--brownout", "on",
                 "--default-skip-layers", "2", "--shadow-ratio", "0.25"})
                .message,
            "task: \"topic\" quality_floor: 0.5 default_skip_layers: 2 brownout: true "
            "shadow_ratio: 0.25");
  EXPECT_EQ(Ask({"admin", "depth-policy", "topic", "--brownout", "off"}).message,
            "task: \"topic\" brownout: false");  // the others stay as they are
}

TEST_F(WireTest, AScanTellsWhatChanged) {
  Ask({"admin", "scan"});
  EXPECT_EQ(output_, "nothing changed\n");
  server_.scan.add_loaded()->set_name("new");
  server_.scan.add_unloaded()->set_name("gone");
  v1::TaskInfo* refused = server_.scan.add_refused();
  refused->set_name("broken");
  refused->mutable_load_error()->set_message("head.weight is missing");
  Ask({"admin", "scan"});
  EXPECT_THAT(output_, AllOf(HasSubstr("loaded: new version 0"), HasSubstr("unloaded: gone"),
                             HasSubstr("refused: broken version 0: head.weight is missing")));
}

TEST_F(WireTest, AFailureShowsReasonAndWhenToTryAgain) {
  google::rpc::Status rpc;
  google::rpc::ErrorInfo info;
  info.set_reason("QUEUE_FULL");
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_nanos(250'000'000);
  rpc.add_details()->PackFrom(info);
  rpc.add_details()->PackFrom(retry);
  server_.status = {grpc::StatusCode::RESOURCE_EXHAUSTED, "no room", rpc.SerializeAsString()};
  const Finished run = Fathom({"tokenize", "x", "--request-id", "abc"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.error, HasSubstr("RESOURCE_EXHAUSTED: no room [QUEUE_FULL]; try again in 250 ms "
                                   "(request abc)"));
}

}  // namespace
}  // namespace fathom
