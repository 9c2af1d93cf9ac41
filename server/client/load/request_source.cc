#include "server/client/load/request_source.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace fathom {

absl::StatusOr<RequestSource> RequestSource::Create(const LoadOptions& options) {
  if (options.text_file.empty()) {
    return RequestSource(options,
                         TextSource(options.texts, options.words, options.zipf, options.seed));
  }
  absl::StatusOr<std::vector<Text>> texts = ReadTexts({.file = options.text_file});
  if (!texts.ok()) return texts.status();
  if (texts->empty()) {
    return absl::InvalidArgumentError(absl::StrCat(options.text_file, " holds no text"));
  }
  return RequestSource(options, TextSource(*std::move(texts), options.zipf));
}

RequestSource::RequestSource(const LoadOptions& options, TextSource texts)
    : depth_(options.depth),
      options_(options.options),
      inputs_(options.inputs),
      random_(options.seed),
      texts_(std::move(texts)),
      mix_(options.mix) {}

v1::PredictRequest RequestSource::Next() {
  v1::PredictRequest request;
  for (int i = 0; i < inputs_; ++i) {
    const TextSource::Drawn drawn = texts_.Draw(random_);
    v1::Input* input = request.add_inputs();
    *input = drawn.text.ToInput();
    input->set_id(absl::StrCat(drawn.number));
  }
  for (v1::TaskSelector& task : WithDepths(mix_.Draw(random_), depth_)) {
    *request.add_tasks() = std::move(task);
  }
  *request.mutable_options() = options_;
  return request;
}

}  // namespace fathom
