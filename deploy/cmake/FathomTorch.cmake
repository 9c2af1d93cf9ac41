# LibTorch's CPU libraries as imported targets, by hand: find_package(Torch) demands CUDA.
#   torch::cpu  ATen and c10            torch::api  torch/nn.h, torch/optim.h, autograd
# libtorch.so is never linked: it needs libtorch_cuda.so.
set(TORCH_ROOT "${FATHOM_DEPS_DIR}/libtorch/torch" CACHE PATH "The torch/ folder of the wheel")
if(NOT EXISTS "${TORCH_ROOT}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "No LibTorch in ${TORCH_ROOT}. Run deploy/setup.sh first.")
endif()
file(GLOB TORCH_NVIDIA_LIB "${TORCH_ROOT}/../nvidia/cu*/lib")

add_library(torch::c10 SHARED IMPORTED GLOBAL)
set_target_properties(torch::c10 PROPERTIES
  IMPORTED_LOCATION "${TORCH_ROOT}/lib/libc10.so" IMPORTED_SONAME libc10.so)
# -idirafter: the wheel also carries edited protobuf and fmt headers that must not shadow Debian's.
target_compile_options(torch::c10 INTERFACE "SHELL:-idirafter ${TORCH_ROOT}/include")

add_library(torch::cpu SHARED IMPORTED GLOBAL)
set_target_properties(torch::cpu PROPERTIES
  IMPORTED_LOCATION "${TORCH_ROOT}/lib/libtorch_cpu.so" IMPORTED_SONAME libtorch_cpu.so
  INTERFACE_LINK_LIBRARIES torch::c10)
target_link_options(torch::cpu INTERFACE
  "LINKER:-rpath-link,${TORCH_ROOT}/lib:${TORCH_NVIDIA_LIB}" "LINKER:-rpath,${TORCH_NVIDIA_LIB}")

add_library(torch::api INTERFACE IMPORTED GLOBAL)
target_compile_options(torch::api INTERFACE
  "SHELL:-idirafter ${TORCH_ROOT}/include/torch/csrc/api/include")
target_link_libraries(torch::api INTERFACE torch::cpu)
