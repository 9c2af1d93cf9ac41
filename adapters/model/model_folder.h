// A fully fine-tuned model on disk: a Hugging Face folder of a BertForSequenceClassification.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "adapters/model/full_task.h"
#include "runtime/task/format/adapter_folder.h"

namespace fathom::training {

// Writes config.json, model.safetensors and copies of the tokenizer's files of `encoder_dir` to
// `folder`, whose parent exists; it appears when it is complete and replaces an older one. The
// head's first layer is the model's pooler and its second one the classifier: the arithmetic is the
// same. `record` goes into config.json under "fathom", which `transformers` keeps and ignores.
absl::Status WriteModelFolder(const std::string& folder, const FullTask& task,
                              const std::string& encoder_dir, WeightDtype dtype,
                              const TrainingRecord& record);

}  // namespace fathom::training
