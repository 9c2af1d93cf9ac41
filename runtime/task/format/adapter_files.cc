#include "runtime/task/format/adapter_files.h"

#include <filesystem>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/file/atomic_file.h"
#include "runtime/model/json_fields.h"
#include "runtime/task/format/adapter_config.h"
#include "runtime/task/format/adapter_tensors.h"
#include "runtime/task/format/head_config.h"
#include "runtime/task/format/weight_file.h"

namespace fathom {
namespace {

using nlohmann::json;

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
absl::StatusOr<AdapterConfig> DescribeAdapter(const std::string& name, const Adapter& adapter,
                                              const EncoderConfig& encoder) {
  if (adapter.layout.layers() != encoder.layers ||
      adapter.modules.size() != static_cast<size_t>(encoder.layers)) {
    return absl::InvalidArgumentError(absl::StrCat("the adapter has ", adapter.modules.size(),
                                                   " layers, the encoder ", encoder.layers));
  }
  AdapterConfig config{.name = name, .layout = adapter.layout, .widths = {}};
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
  const int fewest = head.kind == HeadKind::kClassification ? 2 : 1;
  if (classes < fewest || head.labels.size() != static_cast<size_t>(classes) ||
      distinct.size() != head.labels.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a head of ", classes, " outputs that gives labels needs as many, at least ",
                     fewest, " and all distinct; it has ", distinct.size(), " distinct ones"));
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

}  // namespace

json MakeTopLevel(const std::string& name, const EncoderConfig& encoder, const ModelNames& names,
                  json config) {
  return {
      {"name", name},
      {"config", std::move(config)},
      {"hidden_size", encoder.hidden_size},
      {"model_type", names.model_type},
      {"model_class", names.model_class},
      {"model_name", names.model_name},
      {"version", kFormatVersion},
  };
}

TensorMap Convert(TensorMap tensors, WeightDtype dtype) {
  const at::ScalarType type = dtype == WeightDtype::kFp16 ? at::kHalf : at::kFloat;
  for (auto& [name, tensor] : tensors) tensor = tensor.detach().to(type);
  return tensors;
}

absl::StatusOr<ConfiguredWeights> MakeAdapterFiles(const std::string& name, const Adapter& adapter,
                                                   const EncoderConfig& encoder,
                                                   const ModelNames& names, WeightDtype dtype) {
  if (name.empty() || name.find('.') != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("the adapter's name is ", Quote(name), ", expected one without dots"));
  }
  absl::StatusOr<AdapterConfig> config = DescribeAdapter(name, adapter, encoder);
  if (!config.ok()) return config.status();
  absl::StatusOr<json> bottleneck = MakeBottleneckConfig(*config, encoder.hidden_size);
  if (!bottleneck.ok()) return bottleneck.status();
  return ConfiguredWeights{.config = MakeTopLevel(name, encoder, names, *std::move(bottleneck)),
                           .tensors = Convert(ModuleTensors(adapter, name), dtype)};
}

absl::StatusOr<ConfiguredWeights> MakeHeadFiles(const std::string& name, const Head& head,
                                                const EncoderConfig& encoder,
                                                const ModelNames& names, WeightDtype dtype) {
  absl::StatusOr<HeadConfig> config = DescribeHead(head, name, encoder.hidden_size);
  if (!config.ok()) return config.status();
  return ConfiguredWeights{.config = MakeTopLevel(name, encoder, names, MakeHeadConfig(*config)),
                           .tensors = Convert(HeadTensors(head, *config), dtype)};
}

absl::Status WriteConfigured(const std::string& folder, const char* config_name,
                             const WeightFileNames& weight_names, const ConfiguredWeights& files) {
  absl::Status status =
      WriteFileAtomically(JoinPath(folder, config_name), files.config.dump(2) + "\n");
  if (status.ok()) {
    status = WriteSafetensors(JoinPath(folder, weight_names.safetensors), files.tensors);
  }
  if (status.ok()) status = WriteTorchFile(JoinPath(folder, weight_names.torch), files.tensors);
  return status;
}

}  // namespace fathom
