# The Hugging Face tokenizers crate behind a C ABI, built by cargo into the dependency folder, so
# that every preset and deploy/setup.sh share one build of it.
find_program(CARGO cargo REQUIRED)
set(TOKENIZERS_SOURCE "${PROJECT_SOURCE_DIR}/runtime/text/tokenizers_ffi")
set(TOKENIZERS_TARGET_DIR "${FATHOM_DEPS_DIR}/cargo")
set(TOKENIZERS_LIBRARY "${TOKENIZERS_TARGET_DIR}/release/libtokenizers_ffi.a")

add_custom_command(
  OUTPUT "${TOKENIZERS_LIBRARY}"
  COMMAND ${CMAKE_COMMAND} -E env --unset=RUSTFLAGS --unset=MAKEFLAGS --unset=MFLAGS
          "CARGO_TARGET_DIR=${TOKENIZERS_TARGET_DIR}" "${CARGO}" build --locked --release
  COMMAND ${CMAKE_COMMAND} -E touch "${TOKENIZERS_LIBRARY}"
  WORKING_DIRECTORY "${TOKENIZERS_SOURCE}"
  DEPENDS "${TOKENIZERS_SOURCE}/src/lib.rs" "${TOKENIZERS_SOURCE}/Cargo.toml"
          "${TOKENIZERS_SOURCE}/Cargo.lock"
  COMMENT "cargo build tokenizers_ffi" USES_TERMINAL VERBATIM)
add_custom_target(tokenizers_ffi_build DEPENDS "${TOKENIZERS_LIBRARY}")

add_library(tokenizers_ffi STATIC IMPORTED GLOBAL)
set_target_properties(tokenizers_ffi PROPERTIES IMPORTED_LOCATION "${TOKENIZERS_LIBRARY}")
target_link_libraries(tokenizers_ffi INTERFACE Threads::Threads ${CMAKE_DL_LIBS} m)
add_dependencies(tokenizers_ffi tokenizers_ffi_build)
