# Packages from Debian. Their headers are SYSTEM through the imported targets.
find_package(Threads REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED COMPONENTS pull)
find_package(nlohmann_json CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(hwy CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(yaml-cpp CONFIG REQUIRED)
find_package(utf8cpp CONFIG REQUIRED)

# TCMalloc for programs that train: autograd's tensors have many sizes, for which glibc's allocator
# walks long lists of free blocks. Sanitizers bring an allocator of their own.
add_library(fathom_allocator INTERFACE)
if(NOT FATHOM_SANITIZER)
  find_library(TCMALLOC_LIBRARY tcmalloc_minimal REQUIRED)
  target_link_libraries(fathom_allocator INTERFACE
    -Wl,--push-state,--no-as-needed "${TCMALLOC_LIBRARY}" -Wl,--pop-state)
endif()

if(BUILD_TESTING)
  find_package(GTest CONFIG REQUIRED)
  find_package(benchmark CONFIG REQUIRED)
endif()
