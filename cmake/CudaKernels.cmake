# Sets UPSCALER_CUDA_KERNELS to whether our CUDA kernels are built: where nvcc and the
# wheel's CUDA library are. Nothing else in the build depends on it, and neither do the
# programs, which look for the kernels' library when they start.
include_guard(GLOBAL)
include(CheckLanguage)
set(UPSCALER_CUDA_KERNELS OFF)

find_library(LibTorch_CUDA torch_cuda HINTS ${LibTorch_ROOT}/lib NO_DEFAULT_PATH)
find_library(LibTorch_C10_CUDA c10_cuda HINTS ${LibTorch_ROOT}/lib NO_DEFAULT_PATH)
if(UPSCALER_SANITIZE)
  message(STATUS "CUDA kernels: not built, since sanitizers do not see into them")
elseif(NOT LibTorch_CUDA OR NOT LibTorch_C10_CUDA)
  message(STATUS "CUDA kernels: not built, since this LibTorch has no libtorch_cuda.so")
else()
  # Cards from Turing on, as the wheel has them: 7.5 by itself, 8.0 for all 8.x, and 9.0,
  # also as PTX, from which the driver makes code for what comes after.
  if(NOT CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 90)
  endif()
  check_language(CUDA)
  # The library brings the runtime that nvcc has to match.
  file(STRINGS ${LibTorch_ROOT}/version.py wanted REGEX "^cuda:")
  string(REGEX MATCH "[0-9]+" wanted "${wanted}")
  set(found "")
  if(CMAKE_CUDA_COMPILER)
    execute_process(COMMAND ${CMAKE_CUDA_COMPILER} --version OUTPUT_VARIABLE found)
    string(REGEX REPLACE ".*release ([0-9]+).*" "\\1" found "${found}")
  endif()
  if(NOT CMAKE_CUDA_COMPILER)
    message(STATUS "CUDA kernels: not built, since nvcc was not found (looked in PATH and CUDACXX)")
  elseif(NOT found STREQUAL wanted)
    message(STATUS "CUDA kernels: not built, since nvcc is of CUDA ${found} and LibTorch of ${wanted}")
  else()
    enable_language(CUDA)
    # nvcc has C++20, which CMake 3.25 does not know.
    if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
    endif()
    find_package(CUDAToolkit REQUIRED)
    set(UPSCALER_CUDA_KERNELS ON)
  endif()
endif()
