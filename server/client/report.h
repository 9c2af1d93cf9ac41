// Answers of the server as text that a person reads. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "fathom/v1/inference_service.pb.h"
#include "server/client/text_list.h"

namespace fathom {

// One row a (text, task), then one line with what it cost. `texts` are what was asked, in order.
std::string PredictReport(const std::vector<std::string>& texts,
                          const v1::PredictResponse& response);

// The answer to one call of a stream about `text`: a line a (text, task), or the error.
std::string AnswerLines(const std::string& text, const v1::PredictStreamResponse& response);

// One row a text: width, length and first values. `texts` are what was asked, in order.
std::string EmbedReport(const std::vector<std::string>& texts, const v1::EmbedResponse& response);

// One row a text: how many token ids, which, and what each stands for; "*" is a special token.
std::string TokenizeReport(const std::vector<Text>& texts, const v1::TokenizeResponse& response);

}  // namespace fathom
