#include "runtime/pass/ops/cpu_bottleneck.h"

#include <c10/util/Exception.h>

#include "runtime/pass/ops/cpu_checks.h"

namespace fathom::ops {
namespace {

kernels::BottleneckInput ToKernelInput(AdapterInput input) {
  switch (input) {
    case AdapterInput::kDense:
      return kernels::BottleneckInput::kDense;
    case AdapterInput::kNormalizedSum:
      return kernels::BottleneckInput::kNormalizedSum;
    case AdapterInput::kResidual:
      return kernels::BottleneckInput::kResidual;
  }
  TORCH_CHECK(false, "an adapter site without input");
}

kernels::Bottleneck CheckedModule(const AdapterSite& site, const AdapterModule& module,
                                  int64_t hidden) {
  const int64_t width = module.down_bias.numel();
  CheckMatrix(module.down_weight, hidden, "down_weight");
  CheckMatrix(module.up_weight, width, "up_weight");
  TORCH_CHECK(module.down_weight.size(0) == width && module.up_weight.size(0) == hidden,
              "down_weight and up_weight are ", module.down_weight.sizes(), " and ",
              module.up_weight.sizes(), ", the bottleneck ", width, " wide, the rows ", hidden);
  CheckVector(module.down_bias, width, "down_bias");
  CheckVector(module.up_bias, hidden, "up_bias");
  return {.input = ToKernelInput(site.input),
          .activation = ToKernel(site.activation),
          .scaling = static_cast<float>(site.scaling),
          .width = width,
          .down_weight = module.down_weight.const_data_ptr<float>(),
          .down_bias = module.down_bias.const_data_ptr<float>(),
          .up_weight = module.up_weight.const_data_ptr<float>(),
          .up_bias = module.up_bias.const_data_ptr<float>()};
}

kernels::Bottleneck CheckedFusion(const AdapterSite& site, const FusionModule& fusion,
                                  int64_t hidden, std::vector<kernels::FusedMember>& members) {
  const size_t first = members.size();
  const auto count = static_cast<int64_t>(fusion.members.size());
  TORCH_CHECK(count > 0 && members.capacity() - first >= fusion.members.size(),
              "no room for a fusion of ", count);
  int64_t width = 0;
  for (const FusionModule::Member& member : fusion.members) {
    TORCH_CHECK(member.width >= 0, "a bottleneck ", member.width, " wide");
    members.push_back({.width = member.width, .activation = ToKernel(member.activation)});
    width += member.width;
  }
  CheckMatrix(fusion.read_weight, hidden, "read_weight");
  CheckMatrix(fusion.write_weight, width + count, "write_weight");
  TORCH_CHECK(
      fusion.read_weight.size(0) == 2 * width + count && fusion.write_weight.size(0) == hidden,
      "read_weight and write_weight are ", fusion.read_weight.sizes(), " and ",
      fusion.write_weight.sizes(), ", the ", count, " bottlenecks ", width, " wide, the rows ",
      hidden);
  CheckVector(fusion.read_bias, 2 * width + count, "read_bias");
  return {.input = ToKernelInput(site.input),
          .activation = kernels::Activation::kIdentity,
          .scaling = 1.0f,
          .width = width,
          .down_weight = fusion.read_weight.const_data_ptr<float>(),
          .down_bias = fusion.read_bias.const_data_ptr<float>(),
          .up_weight = fusion.write_weight.const_data_ptr<float>(),
          .up_bias = nullptr,
          .members = members.data() + first,
          .member_count = count};
}

}  // namespace

kernels::Bottleneck CheckedBottleneck(const Adapter& adapter, int layer, Place place,
                                      int64_t hidden_size,
                                      std::vector<kernels::FusedMember>& members) {
  const AdapterSite& site = *adapter.layout.site(place);
  return adapter.is_fusion()
             ? CheckedFusion(site, adapter.fusion(layer, place), hidden_size, members)
             : CheckedModule(site, adapter.module(layer, place), hidden_size);
}

size_t FusedMemberCount(const Adapter& adapter, int layer, Place place) {
  return adapter.is_fusion() ? adapter.fusion(layer, place).members.size() : 0;
}

}  // namespace fathom::ops
