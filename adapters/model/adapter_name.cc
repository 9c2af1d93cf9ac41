#include "adapters/model/adapter_name.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace fathom::training {
namespace {

// The public attributes of torch.nn.ModuleDict in torch 2.15.
constexpr std::string_view kTaken[] = {"T_destination",
                                       "add_module",
                                       "apply",
                                       "bfloat16",
                                       "buffers",
                                       "call_super_init",
                                       "children",
                                       "clear",
                                       "compile",
                                       "cpu",
                                       "cuda",
                                       "double",
                                       "dump_patches",
                                       "eval",
                                       "extra_repr",
                                       "float",
                                       "forward",
                                       "get_buffer",
                                       "get_extra_state",
                                       "get_parameter",
                                       "get_submodule",
                                       "half",
                                       "ipu",
                                       "items",
                                       "keys",
                                       "load_state_dict",
                                       "modules",
                                       "mtia",
                                       "named_buffers",
                                       "named_children",
                                       "named_modules",
                                       "named_parameters",
                                       "parameters",
                                       "pop",
                                       "register_backward_hook",
                                       "register_buffer",
                                       "register_forward_hook",
                                       "register_forward_pre_hook",
                                       "register_full_backward_hook",
                                       "register_full_backward_pre_hook",
                                       "register_load_state_dict_post_hook",
                                       "register_load_state_dict_pre_hook",
                                       "register_module",
                                       "register_parameter",
                                       "register_state_dict_post_hook",
                                       "register_state_dict_pre_hook",
                                       "requires_grad_",
                                       "set_extra_state",
                                       "set_submodule",
                                       "share_memory",
                                       "state_dict",
                                       "to",
                                       "to_empty",
                                       "train",
                                       "training",
                                       "type",
                                       "update",
                                       "values",
                                       "xpu",
                                       "zero_grad"};

}  // namespace

absl::Status CheckAdapterName(const std::string& name) {
  if (name.empty() || name.starts_with('_') || name.find_first_of(".,/\\") != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--name '", name, "' must not be empty, begin with _ or hold one of . , / \\"));
  }
  if (std::find(std::begin(kTaken), std::end(kTaken), name) != std::end(kTaken)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--name '", name,
                     "' is an attribute of torch.nn.ModuleDict, so the Python adapters library "
                     "could not open the adapter; take another one"));
  }
  return absl::OkStatus();
}

}  // namespace fathom::training
