# fathom_library(NAME SOURCES…) and fathom_program(NAME SOURCES…): targets with the project's
# language level, warnings, sanitizer and include root. fathom_test(NAME SOURCES…) adds a
# GoogleTest program that is registered with CTest.

find_program(FATHOM_CCACHE ccache)
if(FATHOM_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${FATHOM_CCACHE}")
endif()

add_library(fathom_flags INTERFACE)
target_compile_features(fathom_flags INTERFACE cxx_std_20)
target_include_directories(fathom_flags INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(fathom_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
  -Wno-missing-field-initializers  # designated initializers leave defaults out on purpose
  $<$<BOOL:${FATHOM_WARNINGS_AS_ERRORS}>:-Werror>
  $<$<BOOL:${FATHOM_ASSERTIONS}>:-UNDEBUG>)
if(FATHOM_SANITIZER)
  target_compile_options(fathom_flags INTERFACE
    -fsanitize=${FATHOM_SANITIZER} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(fathom_flags INTERFACE -fsanitize=${FATHOM_SANITIZER})
endif()

function(fathom_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PUBLIC fathom_flags)
  add_library(fathom::${name} ALIAS ${name})
endfunction()

function(fathom_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE fathom_flags)
endfunction()

# fathom_test(NAME SOURCES a.cc … LIBRARIES x … [TSAN])
# TSAN marks a test without gRPC and Torch, which the tsan preset builds and runs.
add_custom_target(tsan_tests)
function(fathom_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TSAN" "" "SOURCES;LIBRARIES")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE fathom_flags ${arg_LIBRARIES} GTest::gmock_main)
  target_compile_definitions(${name} PRIVATE
    FATHOM_SOURCE_DIR="${PROJECT_SOURCE_DIR}" FATHOM_BINARY_DIR="${PROJECT_BINARY_DIR}")
  add_test(NAME ${name} COMMAND ${name})
  if(arg_TSAN)
    add_dependencies(tsan_tests ${name})
    set_tests_properties(${name} PROPERTIES LABELS tsan)
  endif()
endfunction()
