# One precompiled copy of LibTorch's headers for every room that uses them.
#
# A file that includes <torch/torch.h> costs 20 s to compile by itself and about
# 5 s with this. Sources still include what they use: the headers are compiled
# alone by all_verify_interface_header_sets.
include_guard(GLOBAL)
set(UPSCALER_TORCH_HEADERS
  <ATen/ATen.h> <torch/nn/module.h> <torch/nn/modules/container/modulelist.h>
  <torch/nn/modules/conv.h> <torch/nn/modules/embedding.h> <torch/nn/modules/linear.h>
  <torch/nn/modules/normalization.h>)

# A target needs a source to carry its precompiled header.
set(UPSCALER_PRECOMPILED_SOURCE ${PROJECT_BINARY_DIR}/precompiled_headers.cc)
file(CONFIGURE OUTPUT ${UPSCALER_PRECOMPILED_SOURCE} CONTENT "// Carries the precompiled headers.\n")

add_library(upscaler_torch_headers OBJECT ${UPSCALER_PRECOMPILED_SOURCE})
# With Abseil, because it brings a macro (NOMINMAX), and a precompiled header is
# taken only where the same macros are set.
target_link_libraries(upscaler_torch_headers PRIVATE
  LibTorch::torch PkgConfig::ABSL upscaler_warnings)
target_precompile_headers(upscaler_torch_headers PRIVATE ${UPSCALER_TORCH_HEADERS})
