# One precompiled copy of LibTorch's headers for every room that uses them.
#
# A file that includes <torch/torch.h> costs 20 s to compile by itself and about
# 5 s with this. Sources still include what they use: the headers are compiled
# alone by all_verify_interface_header_sets.
file(WRITE ${PROJECT_BINARY_DIR}/torch_headers.cc.in "// Carries the precompiled header.\n")
configure_file(${PROJECT_BINARY_DIR}/torch_headers.cc.in ${PROJECT_BINARY_DIR}/torch_headers.cc
               COPYONLY)
add_library(upscaler_torch_headers OBJECT ${PROJECT_BINARY_DIR}/torch_headers.cc)
# With Abseil, because it brings a macro (NOMINMAX), and a precompiled header is
# taken only where the same macros are set.
target_link_libraries(upscaler_torch_headers PRIVATE
  LibTorch::torch PkgConfig::ABSL upscaler_warnings)
target_precompile_headers(upscaler_torch_headers PRIVATE
  <ATen/ATen.h> <torch/nn/module.h> <torch/nn/modules/container/modulelist.h>
  <torch/nn/modules/conv.h> <torch/nn/modules/embedding.h> <torch/nn/modules/linear.h>
  <torch/nn/modules/normalization.h>)
