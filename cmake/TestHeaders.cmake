# The precompiled headers of the tests.
#
# A test spends most of its compile time on the headers of GoogleTest, and of gRPC,
# LibTorch or libvips: 4 to 20 s a file. There is one precompiled copy for each of the
# three, since together they do not fit all rooms: what a file does not include it need
# not wait for, and macros of one library must not be missing in another's.
include_guard(GLOBAL)
include(TorchHeaders)

# Tests run once, so what they save by running faster they would lose in compiling.
# The rooms that they test are optimized.
set(UPSCALER_TEST_OPTIONS -O0)

# One copy: what the tests of every room use, and <headers>.
function(upscaler_add_test_headers name library)
  add_library(${name} OBJECT ${UPSCALER_PRECOMPILED_SOURCE})
  target_link_libraries(${name} PRIVATE
    ${library} GTest::gmock nlohmann_json::nlohmann_json PkgConfig::ABSL upscaler_warnings)
  target_compile_options(${name} PRIVATE ${UPSCALER_TEST_OPTIONS})
  target_precompile_headers(${name} PRIVATE
    <gmock/gmock.h> <gtest/gtest.h> <nlohmann/json.hpp> ${ARGN})
endfunction()

# upscaler_test_headers(<test> <library of its room>)
#
# Gives a test program the precompiled headers that fit its room.
function(upscaler_test_headers test room)
  get_target_property(links ${room} LINK_LIBRARIES)
  if("LibTorch::torch" IN_LIST links)
    set(headers upscaler_torch_test_headers)
    set(library LibTorch::torch)
    set(included ${UPSCALER_TORCH_HEADERS})
  elseif("PkgConfig::VIPS" IN_LIST links)
    set(headers upscaler_vips_test_headers)
    set(library PkgConfig::VIPS)
    set(included <vips/vips8>)
  else()
    set(headers upscaler_grpc_test_headers)
    set(library PkgConfig::GRPC)
    set(included <absl/status/statusor.h> <absl/synchronization/mutex.h> <grpcpp/grpcpp.h>)
  endif()
  if(NOT TARGET ${headers})
    upscaler_add_test_headers(${headers} ${library} ${included})
  endif()
  target_precompile_headers(${test} REUSE_FROM ${headers})
  target_compile_options(${test} PRIVATE ${UPSCALER_TEST_OPTIONS})
endfunction()
