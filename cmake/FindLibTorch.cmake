# Finds LibTorch inside the PyPI wheel and makes LibTorch::torch of it.
#
# Torch's own TorchConfig.cmake puts the wheel's include folder in front of the
# system's, and the wheel carries copies of fmt (12) and protobuf (3.13) that
# then hide Debian's (9 and 3.21). With -idirafter they are looked at last.
#
# LibTorch_ROOT   where the wheel's torch/ folder is; by default the one that
#                 `make setup` installs
if(NOT LibTorch_ROOT)
  set(LibTorch_ROOT ${UPSCALER_DEPS}/torch)
endif()

find_library(LibTorch_CPU torch_cpu HINTS ${LibTorch_ROOT}/lib NO_DEFAULT_PATH)
find_library(LibTorch_C10 c10 HINTS ${LibTorch_ROOT}/lib NO_DEFAULT_PATH)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS LibTorch_CPU LibTorch_C10)

if(LibTorch_FOUND AND NOT TARGET LibTorch::torch)
  add_library(LibTorch::torch INTERFACE IMPORTED)
  target_compile_options(LibTorch::torch INTERFACE
    "SHELL:-idirafter ${LibTorch_ROOT}/include"
    "SHELL:-idirafter ${LibTorch_ROOT}/include/torch/csrc/api/include")
  # Only the CPU library is linked. libtorch_cuda.so registers its kernels when it
  # is loaded, which happens at run time, where it and a device are there.
  target_link_libraries(LibTorch::torch INTERFACE ${LibTorch_CPU} ${LibTorch_C10})
endif()
