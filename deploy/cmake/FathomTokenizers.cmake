# The Hugging Face tokenizers crate behind C functions, built by cargo into the dependency folder,
# so that every preset and deploy/setup.sh share one build of it.
set(TOKENIZERS_MIN_RUST 1.85)  # rust-version in Cargo.toml

# Debian 12's plain cargo is 0.66: too old. Its cargo-web, and rustup's, are new enough.
function(fathom_cargo_is_new_enough result candidate)
  execute_process(COMMAND "${candidate}" --version OUTPUT_VARIABLE version ERROR_QUIET)
  if(NOT version MATCHES "^cargo ([0-9.]+)" OR CMAKE_MATCH_1 VERSION_LESS TOKENIZERS_MIN_RUST)
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()
find_program(FATHOM_CARGO cargo VALIDATOR fathom_cargo_is_new_enough)
if(NOT FATHOM_CARGO)
  message(FATAL_ERROR "No cargo ${TOKENIZERS_MIN_RUST} or newer found. deploy/setup.sh installs "
                      "Debian's cargo-web and rustc-web.")
endif()

# The rustc beside that cargo: another one on the PATH can be too old, or be rustup's, which obeys
# the rust-toolchain files inside of dependencies when it is not rustup's cargo that calls it.
get_filename_component(TOKENIZERS_RUST_BIN "${FATHOM_CARGO}" DIRECTORY)
set(TOKENIZERS_SOURCE "${PROJECT_SOURCE_DIR}/runtime/text/tokenizers_ffi")
set(TOKENIZERS_TARGET_DIR "${FATHOM_DEPS_DIR}/cargo")
set(TOKENIZERS_LIBRARY "${TOKENIZERS_TARGET_DIR}/release/libtokenizers_ffi.a")
set(TOKENIZERS_FILES
  Cargo.toml
  Cargo.lock
  src/bert_vocab.rs
  src/border.rs
  src/failure.rs
  src/lib.rs
  src/template.rs
  src/tokenizer.rs
  src/truncation.rs)
list(TRANSFORM TOKENIZERS_FILES PREPEND "${TOKENIZERS_SOURCE}/")

add_custom_command(
  OUTPUT "${TOKENIZERS_LIBRARY}"
  COMMAND ${CMAKE_COMMAND} -E env --unset=RUSTFLAGS --unset=MAKEFLAGS --unset=MFLAGS
          "RUSTC=${TOKENIZERS_RUST_BIN}/rustc" "CARGO_TARGET_DIR=${TOKENIZERS_TARGET_DIR}"
          "${FATHOM_CARGO}" build --locked --release
  COMMAND ${CMAKE_COMMAND} -E touch "${TOKENIZERS_LIBRARY}"
  WORKING_DIRECTORY "${TOKENIZERS_SOURCE}"
  DEPENDS ${TOKENIZERS_FILES}
  COMMENT "cargo build tokenizers_ffi" USES_TERMINAL VERBATIM)
add_custom_target(tokenizers_ffi_build DEPENDS "${TOKENIZERS_LIBRARY}")

add_library(tokenizers_ffi STATIC IMPORTED GLOBAL)
set_target_properties(tokenizers_ffi PROPERTIES IMPORTED_LOCATION "${TOKENIZERS_LIBRARY}")
target_link_libraries(tokenizers_ffi INTERFACE Threads::Threads ${CMAKE_DL_LIBS} m)
add_dependencies(tokenizers_ffi tokenizers_ffi_build)
