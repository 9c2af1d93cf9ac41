#include <exception>
#include <filesystem>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "runtime/file/atomic_file.h"
#include "runtime/model/json_fields.h"
#include "runtime/file/mapped_file.h"
#include "runtime/task/format/adapter_config.h"
#include "runtime/task/format/adapter_folder.h"
#include "runtime/task/format/adapter_tensors.h"
#include "runtime/task/format/file_names.h"
#include "runtime/task/format/head_config.h"
#include "runtime/task/format/staged_folder.h"
#include "runtime/task/format/training_record.h"

namespace fathom {
namespace {

using nlohmann::json;

constexpr char kVersion[] = "adapters.1.3.0";  // of the library whose format this is

// Everything of the folder, made before the first byte is written.
struct Files {
  json adapter_config;
  TensorMap adapter_tensors;
  json head_config;  // null: no head
  TensorMap head_tensors;
};

json MakeTopLevel(const AdapterFolder& content, const EncoderConfig& encoder,
                  const ModelNames& names, json config) {
  return {
      {"name", content.name},
      {"config", std::move(config)},
      {"hidden_size", encoder.hidden_size},
      {"model_type", names.model_type},
      {"model_class", names.model_class},
      {"model_name", names.model_name},
      {"version", kVersion},
  };
}

bool HasShape(const at::Tensor& tensor, at::IntArrayRef shape) {
  return tensor.defined() && tensor.sizes() == shape;
}

absl::Status CheckModule(const AdapterModule& module, int hidden_size) {
  if (!module.down_weight.defined() || module.down_weight.dim() != 2 ||
      module.down_weight.size(0) < 1) {
    return absl::InvalidArgumentError("its down_weight is no matrix");
  }
  const int64_t width = module.down_weight.size(0);
  if (!HasShape(module.down_weight, {width, hidden_size}) || !HasShape(module.down_bias, {width}) ||
      !HasShape(module.up_weight, {hidden_size, width}) ||
      !HasShape(module.up_bias, {hidden_size})) {
    return absl::InvalidArgumentError(
        absl::StrCat("its tensors are not of width ", width, " and hidden size ", hidden_size));
  }
  return absl::OkStatus();
}

// The config that the modules' shapes say. The modules of one layer have one width.
absl::StatusOr<AdapterConfig> DescribeAdapter(const AdapterFolder& content,
                                              const EncoderConfig& encoder) {
  const Adapter& adapter = content.adapter;
  if (adapter.layout.layers() != encoder.layers ||
      adapter.modules.size() != static_cast<size_t>(encoder.layers)) {
    return absl::InvalidArgumentError(absl::StrCat("the adapter has ", adapter.modules.size(),
                                                   " layers, the encoder ", encoder.layers));
  }
  AdapterConfig config{.name = content.name, .layout = adapter.layout, .widths = {}};
  for (int layer = 0; layer < encoder.layers; ++layer) {
    int width = 0;
    for (Place place : {Place::kAttention, Place::kFfn}) {
      if (!adapter.layout.HasModule(layer, place)) continue;
      const auto& module = adapter.modules[static_cast<size_t>(layer)][static_cast<size_t>(place)];
      absl::Status status = module ? CheckModule(*module, encoder.hidden_size)
                                   : absl::InvalidArgumentError("a module is missing");
      if (status.ok() && width != 0 && module->down_weight.size(0) != width) {
        status = absl::InvalidArgumentError("its two modules differ in width");
      }
      if (!status.ok()) {
        return absl::InvalidArgumentError(
            absl::StrCat("layer ", layer, " of the adapter: ", status.message()));
      }
      width = static_cast<int>(module->down_weight.size(0));
    }
    config.widths.push_back(width);
  }
  return config;
}

absl::Status CheckLabels(const Head& head, int64_t classes) {
  if (head.kind == HeadKind::kRegression) {
    return classes == 1 ? absl::OkStatus()
                        : absl::InvalidArgumentError("a regression head has one output");
  }
  const std::set<std::string> distinct(head.labels.begin(), head.labels.end());
  if (classes < 2 || head.labels.size() != static_cast<size_t>(classes) ||
      distinct.size() != head.labels.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a classification head of ", classes, " outputs needs as many labels, at ",
                     "least two and all distinct; it has ", distinct.size(), " distinct ones"));
  }
  return absl::OkStatus();
}

absl::StatusOr<HeadConfig> DescribeHead(const Head& head, const std::string& name,
                                        int hidden_size) {
  if (head.layers.empty()) return absl::InvalidArgumentError("the head has no layers");
  const bool has_bias = head.layers.back().bias.defined();
  for (const HeadLayer& layer : head.layers) {
    const bool is_last = &layer == &head.layers.back();
    const int64_t rows = is_last && layer.weight.defined() ? layer.weight.size(0) : hidden_size;
    const bool bias_fits = (is_last && !has_bias) || HasShape(layer.bias, {rows});
    if (!HasShape(layer.weight, {rows, hidden_size}) || !bias_fits) {
      return absl::InvalidArgumentError(
          "the head's layers are not of the encoder's hidden size, or a hidden one has no bias");
    }
  }
  const int64_t classes = head.layers.back().weight.size(0);
  if (absl::Status status = CheckLabels(head, classes); !status.ok()) return status;
  HeadConfig config;
  config.kind = head.kind;
  config.classes = static_cast<int>(classes);
  config.activation = head.activation;
  config.use_pooler = head.use_pooler;
  config.has_bias = has_bias;
  config.labels = head.labels;
  config.layer_names = FlexibleLayerNames(name, static_cast<int>(head.layers.size()),
                                          head.activation != Activation::kIdentity);
  return config;
}

TensorMap Convert(TensorMap tensors, WeightDtype dtype) {
  const at::ScalarType type = dtype == WeightDtype::kFp16 ? at::kHalf : at::kFloat;
  for (auto& [name, tensor] : tensors) tensor = tensor.detach().to(type);
  return tensors;
}

absl::StatusOr<Files> MakeFiles(const AdapterFolder& content, const EncoderConfig& encoder,
                                const ModelNames& names, WeightDtype dtype) {
  if (content.name.empty() || content.name.find('.') != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("the adapter's name is ", Quote(content.name), ", expected one without dots"));
  }
  absl::StatusOr<AdapterConfig> config = DescribeAdapter(content, encoder);
  if (!config.ok()) return config.status();
  absl::StatusOr<json> bottleneck = MakeBottleneckConfig(*config, encoder.hidden_size);
  if (!bottleneck.ok()) return bottleneck.status();

  Files files;
  files.adapter_config = MakeTopLevel(content, encoder, names, *std::move(bottleneck));
  if (content.training) {
    absl::StatusOr<json> record = MakeTrainingRecord(*content.training);
    if (!record.ok()) return record.status();
    files.adapter_config[kTrainingRecordKey] = *std::move(record);
  }
  files.adapter_tensors = Convert(ModuleTensors(content.adapter, content.name), dtype);

  if (content.head) {
    absl::StatusOr<HeadConfig> head =
        DescribeHead(*content.head, content.name, encoder.hidden_size);
    if (!head.ok()) return head.status();
    files.head_config = MakeTopLevel(content, encoder, names, MakeHeadConfig(*head));
    files.head_tensors = Convert(HeadTensors(*content.head, *head), dtype);
  }
  return files;
}

absl::Status WriteFiles(const std::string& folder, const char* config_name, const json& config,
                        const WeightFileNames& weight_names, const TensorMap& tensors) {
  auto path = [&folder](const char* name) {
    return (std::filesystem::path(folder) / name).string();
  };
  absl::Status status = WriteFileAtomically(path(config_name), config.dump(2) + "\n");
  if (status.ok()) status = WriteSafetensors(path(weight_names.safetensors), tensors);
  if (status.ok()) status = WriteTorchFile(path(weight_names.torch), tensors);
  return status;
}

absl::Status WriteUnguarded(const std::string& folder, const Files& files) {
  absl::StatusOr<std::unique_ptr<StagedFolder>> staged = StagedFolder::Create(folder);
  if (!staged.ok()) return staged.status();
  const std::string& path = (*staged)->path();
  absl::Status status = WriteFiles(path, kAdapterConfigFile, files.adapter_config,
                                   kAdapterWeightFiles, files.adapter_tensors);
  if (status.ok() && !files.head_config.is_null()) {
    status =
        WriteFiles(path, kHeadConfigFile, files.head_config, kHeadWeightFiles, files.head_tensors);
  }
  if (!status.ok()) return status;
  return (*staged)->Commit();
}

}  // namespace

absl::Status WriteAdapterFolder(const std::string& folder, const AdapterFolder& content,
                                const EncoderConfig& encoder, const ModelNames& names,
                                WeightDtype dtype) {
  try {
    absl::StatusOr<Files> files = MakeFiles(content, encoder, names, dtype);
    if (!files.ok()) {
      return InFile("cannot write " + folder, files.status());
    }
    return WriteUnguarded(folder, *files);
  } catch (const std::exception& error) {  // a name that is not UTF-8, no memory
    return absl::InvalidArgumentError(absl::StrCat("cannot write ", folder, ": ", error.what()));
  }
}

}  // namespace fathom
