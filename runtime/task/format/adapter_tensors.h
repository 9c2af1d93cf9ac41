// Between the modules and heads of a task and the tensor names of its weight files.
#pragma once

#include "absl/status/statusor.h"
#include "runtime/model/encoder_config.h"
#include "runtime/model/tensor_file.h"
#include "runtime/task/adapter.h"
#include "runtime/task/format/adapter_config.h"
#include "runtime/task/format/head_config.h"

namespace fathom {

// Both give the tensors of the file, not copies: in its dtype, or on the meta device if its data was
// left.

// Names with and without "bert.", and those of the first version of the library.
absl::StatusOr<Adapter> ReadModules(const AdapterConfig& config, const EncoderConfig& encoder,
                                    const TensorMap& tensors);

// Tensors of other heads, which the library saves along when their names begin alike, are ignored.
absl::StatusOr<Head> ReadHead(const HeadConfig& config, const EncoderConfig& encoder,
                              const TensorMap& tensors);

// Today's names, with "bert.". The tensors are those of the adapter, not copies.
TensorMap ModuleTensors(const Adapter& adapter, const std::string& name);
TensorMap HeadTensors(const Head& head, const HeadConfig& config);

}  // namespace fathom
