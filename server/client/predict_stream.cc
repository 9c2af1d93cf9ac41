#include "server/client/predict_stream.h"

#include <grpcpp/support/sync_stream.h>

#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/client/report.h"

namespace fathom {
namespace {

using Stream = grpc::ClientReaderWriter<v1::PredictStreamRequest, v1::PredictStreamResponse>;

// The mark of a call is the index of its text.
void SendAll(const PredictFlags& flags, const std::vector<Text>& texts, Stream& stream) {
  for (size_t i = 0; i < texts.size(); ++i) {
    v1::PredictStreamRequest request;
    request.set_request_id(absl::StrCat(i));
    *request.mutable_request() = MakePredictRequest(flags, {&texts[i], 1});
    if (!stream.Write(request)) return;  // the stream is over; Finish says why
  }
  stream.WritesDone();
}

// Whether all of it is an answer.
bool Show(const v1::PredictStreamResponse& response, const std::vector<Text>& texts) {
  size_t index = 0;
  const bool known = absl::SimpleAtoi(response.request_id(), &index) && index < texts.size();
  std::cout << AnswerLines(known ? texts[index].Shown() : response.request_id(), response)
            << std::flush;
  return known && response.has_response() && !HasItemError(response.response());
}

}  // namespace

int PredictOverStream(const Connection& connection, const PredictFlags& flags,
                      const std::vector<Text>& texts) {
  const std::unique_ptr<grpc::ClientContext> context =
      connection.NewContext(texts.empty() ? v1::Input() : texts[0].ToInput());
  const std::unique_ptr<Stream> stream = connection.stub().PredictStream(context.get());
  std::thread sender([&] { SendAll(flags, texts, *stream); });
  size_t answers = 0;
  bool all_good = true;
  for (v1::PredictStreamResponse response; stream->Read(&response); ++answers) {
    if (connection.flags().json) {
      all_good &= PrintJsonLine(response) == 0 && response.has_response() &&
                  !HasItemError(response.response());
    } else {
      all_good &= Show(response, texts);
    }
  }
  const grpc::Status status = stream->Finish();
  sender.join();
  if (!status.ok()) return connection.Fail(status);
  if (answers != texts.size()) {
    std::cerr << "fathom: " << answers << " answers to " << texts.size() << " texts\n";
    return 1;
  }
  return all_good ? 0 : 1;
}

}  // namespace fathom
