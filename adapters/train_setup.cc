#include "adapters/train_setup.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "adapters/fusion_inputs.h"
#include "adapters/model/adapter_name.h"
#include "adapters/model/architecture.h"
#include "adapters/model/full_task.h"
#include "adapters/model/prune_fusion.h"
#include "runtime/model/gemm_choice.h"

namespace fathom::training {
namespace {

// Every pack has gradients of all weights, so packs are few and large.
constexpr int64_t kFullPackRows = 2048;

absl::StatusOr<SkipScheduleOptions> MakeSkip(const TrainOptions& options, int layers) {
  const bool takes_depth = options.method == Method::kSpecialized ||
                           options.method == Method::kLast || options.method == Method::kRandom;
  if (takes_depth != options.skip_layers.has_value()) {
    return absl::InvalidArgumentError(
        takes_depth
            ? absl::StrCat("--method ", std::string(MethodName(options.method)),
                           " needs --skip-layers n")
            : std::string("--skip-layers is for --method specialized, last and random only"));
  }
  if (takes_depth && *options.skip_layers >= layers) {
    return absl::InvalidArgumentError(absl::StrCat("--skip-layers ", *options.skip_layers,
                                                   ": the encoder has ", layers,
                                                   " layers, so n is 0 … ", layers - 1));
  }
  if (options.select_by.depth > layers) {
    return absl::InvalidArgumentError(absl::StrCat("--select-by ",
                                                   SelectionRuleName(options.select_by),
                                                   ": the encoder has ", layers, " layers"));
  }
  return SkipScheduleOptions{.method = options.method,
                             .layers = layers,
                             .given_depth = options.skip_layers.value_or(0),
                             .seed = options.seed};
}

absl::StatusOr<Metric> ChooseMetric(const TrainOptions& options, TaskType type) {
  const bool classifies = type == TaskType::kClassification;
  const Metric metric = options.metric.value_or(classifies ? Metric::kAccuracy : Metric::kSpearman);
  if (IsClassificationMetric(metric) == classifies) return metric;
  return absl::InvalidArgumentError(absl::StrCat("--metric ", std::string(MetricName(metric)),
                                                 " does not fit ",
                                                 classifies ? "classification" : "regression"));
}

// The layers in which there are no modules: below the n of a specialized adapter, and the last ones
// where those are dropped.
std::vector<size_t> NeverTrained(const SkipScheduleOptions& skip) {
  std::vector<size_t> layers;
  const int first = skip.method == Method::kLast ? skip.layers - skip.given_depth : 0;
  if (skip.method != Method::kLast && skip.method != Method::kSpecialized) return layers;
  for (int i = 0; i < skip.given_depth; ++i) layers.push_back(static_cast<size_t>(first + i));
  return layers;
}

// The architecture's wiring with what the flags change in it.
AdapterLayout MakeLayout(const TrainOptions& options, const Architecture& architecture,
                         const SkipScheduleOptions& skip) {
  AdapterLayout layout = architecture.layout;
  for (std::optional<AdapterSite>& site : layout.sites) {
    if (!site) continue;
    site->activation = options.activation.value_or(site->activation);
    site->scaling = options.scaling.value_or(site->scaling);
  }
  for (const size_t layer : NeverTrained(skip)) layout.left_out[layer] = true;
  return layout;
}

absl::StatusOr<AdapterDesign> MakeAdapterDesign(const TrainOptions& options,
                                                const TrainInputs& inputs,
                                                const Architecture& architecture,
                                                const TrainSetup& setup) {
  const EncoderConfig& config = inputs.encoder->config();
  AdapterDesign design;
  design.layout = MakeLayout(options, architecture, setup.skip);
  design.hidden_size = config.hidden_size;
  absl::StatusOr<std::vector<int>> widths = BottleneckWidths(setup.reduction_factor, config);
  if (!widths.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--reduction-factor: ", widths.status().message()));
  }
  design.widths = *std::move(widths);
  design.share_across_layers = options.share_across_layers;
  if (design.share_across_layers &&
      !std::all_of(design.widths.begin(), design.widths.end(),
                   [&](int width) { return width == design.widths.front(); })) {
    return absl::InvalidArgumentError(
        "--share-across-layers needs one --reduction-factor for all layers");
  }
  design.labels = inputs.train.labels;
  return design;
}

absl::Status SetAdapterDesign(const TrainOptions& options, const TrainInputs& inputs,
                              TrainSetup& setup) {
  const std::optional<Architecture> architecture =
      FindArchitecture(options.architecture, inputs.encoder->config().layers);
  if (!architecture) {
    return absl::InvalidArgumentError(
        absl::StrCat("--architecture ", options.architecture, " is not known"));
  }
  setup.architecture = options.architecture;
  setup.reduction_factor = options.reduction_factor.empty()
                               ? absl::StrCat(architecture->reduction_factor)
                               : options.reduction_factor;
  absl::StatusOr<AdapterDesign> design = MakeAdapterDesign(options, inputs, *architecture, setup);
  if (!design.ok()) return design.status();
  setup.design = *std::move(design);
  return absl::OkStatus();
}

absl::Status SetFusionDesign(const TrainOptions& options, const TrainInputs& inputs,
                             TrainSetup& setup) {
  const EncoderConfig& config = inputs.encoder->config();
  absl::StatusOr<FusionMembers> members =
      ReadFusionMembers(options.fused_adapters, *inputs.encoder);
  if (!members.ok()) return members.status();
  for (const size_t layer : NeverTrained(setup.skip)) {
    for (Adapter& member : members->adapters) LeaveOut(member, layer);
  }
  setup.architecture = "fusion";
  setup.design =
      FusionDesign{.member_names = std::move(members->names),
                   .members = std::move(members->adapters),
                   .hidden_size = config.hidden_size,
                   .labels = inputs.train.labels,
                   .score_dropout = options.encoder_dropout.value_or(config.attention_dropout)};
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TrainSetup> MakeSetup(const TrainOptions& options, const TrainInputs& inputs) {
  if (options.method == Method::kFull && options.precision == Precision::kBf16) {
    return absl::InvalidArgumentError(
        "--precision bf16 is for frozen layers; --method full has none");
  }
  if (options.method == Method::kFull && !options.fused_adapters.empty()) {
    return absl::InvalidArgumentError("--method full trains no fusion; use standard or robust");
  }
  TrainSetup setup;
  setup.name = options.name.empty() ? FolderName(options.output_dir) : options.name;
  if (absl::Status status = CheckAdapterName(setup.name); !status.ok()) return status;
  const absl::StatusOr<SkipScheduleOptions> skip =
      MakeSkip(options, inputs.encoder->config().layers);
  if (!skip.ok()) return skip.status();
  setup.skip = *skip;
  absl::Status status = options.fused_adapters.empty() ? SetAdapterDesign(options, inputs, setup)
                                                       : SetFusionDesign(options, inputs, setup);
  if (!status.ok()) return status;
  const absl::StatusOr<Metric> metric = ChooseMetric(options, inputs.train.type);
  if (!metric.ok()) return metric.status();
  setup.metric = *metric;
  return setup;
}

std::unique_ptr<TrainableTask> MakeTask(const TrainOptions& options, const TrainInputs& inputs,
                                        const TrainSetup& setup) {
  const uint64_t seed = options.seed;
  if (options.method == Method::kFull) {
    return std::make_unique<FullTask>(*inputs.encoder, inputs.train.labels, seed);
  }
  if (const auto* design = std::get_if<AdapterDesign>(&setup.design)) {
    return std::make_unique<AdapterTask>(*design, seed);
  }
  return std::make_unique<FusionTask>(std::get<FusionDesign>(setup.design), seed);
}

absl::StatusOr<std::map<std::string, std::string>> MakeSettings(const TrainOptions& options,
                                                                const TrainInputs& inputs,
                                                                const TrainSetup& setup) {
  const absl::StatusOr<std::string> train = FileDigest(options.train_file);
  if (!train.ok()) return train.status();
  const absl::StatusOr<std::string> dev = FileDigest(options.dev_file);
  if (!dev.ok()) return dev.status();
  const auto file_name = [](const std::string& path) {
    return std::filesystem::path(path).filename().string();
  };
  std::map<std::string, std::string> settings = {
      {"encoder", inputs.encoder->fingerprint()},
      {"train", file_name(options.train_file)},
      {"train-sha256", *train},
      {"train-rows", absl::StrCat(inputs.train.examples.size())},
      {"dev", file_name(options.dev_file)},
      {"dev-sha256", *dev},
      {"method", std::string(MethodName(options.method))},
      {"architecture", setup.architecture},
      {"metric", std::string(MetricName(setup.metric))},
      {"select-by", SelectionRuleName(options.select_by)},
      {"early-stopping", absl::StrCat(options.early_stopping)},
      {"max-tokens", absl::StrCat(options.max_tokens)},
      {"learning-rate", absl::StrCat(LearningRate(options))},
      {"batch-size", absl::StrCat(options.batch_size)},
      {"epochs", absl::StrCat(options.epochs)},
      {"dev-every", absl::StrCat(options.dev_every_steps)},
      {"encoder-dropout",
       options.encoder_dropout ? absl::StrCat(*options.encoder_dropout) : std::string("config")},
      {"dropout-places",
       options.dropout_places == DropoutPlaces::kEverywhere ? "everywhere" : "branch"},
      {"precision", PrecisionName(options.precision)},
      {"weight-dtype", options.weight_dtype == WeightDtype::kFp16 ? "fp16" : "fp32"},
      {"state-precision",
       options.state_cache && options.state_precision == TapPrecision::kBf16 ? "bf16" : "fp32"},
      {"seed", absl::StrCat(options.seed)},
  };
  if (!setup.reduction_factor.empty()) settings["reduction-factor"] = setup.reduction_factor;
  if (!options.fused_adapters.empty()) {
    settings["fused"] = absl::StrJoin(std::get<FusionDesign>(setup.design).member_names, ",");
  }
  if (options.skip_layers) settings["skip-layers"] = absl::StrCat(*options.skip_layers);
  if (options.activation) {
    settings["activation"] = std::string(ActivationName(*options.activation));
  }
  if (options.scaling) settings["scaling"] = absl::StrCat(*options.scaling);
  if (options.share_across_layers) settings["share-across-layers"] = "true";
  return settings;
}

TrainingLoopOptions MakeLoopOptions(const TrainOptions& options, const TrainInputs& inputs,
                                    const TrainSetup& setup,
                                    const std::map<std::string, std::string>& settings) {
  const EncoderConfig& config = inputs.encoder->config();
  TrainingLoopOptions loop;
  loop.skip = setup.skip;
  loop.learning_rate = LearningRate(options);
  loop.batch_size = options.batch_size;
  loop.epochs = options.epochs;
  loop.seed = options.seed;
  loop.dev_every_steps = options.dev_every_steps;
  loop.select_by = options.select_by;
  loop.early_stopping = options.early_stopping;
  loop.step.rates = {.hidden = options.encoder_dropout.value_or(config.hidden_dropout),
                     .attention = options.encoder_dropout.value_or(config.attention_dropout),
                     .head = config.hidden_dropout};
  loop.step.dropout_places = options.dropout_places;
  if (options.method == Method::kFull) loop.step.max_rows = kFullPackRows;
  loop.weight_dtype = options.weight_dtype;
  loop.checkpoint_path = CheckpointPath(options);
  loop.settings = settings;
  return loop;
}

}  // namespace fathom::training
