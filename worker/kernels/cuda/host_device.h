// What code needs in order to be compiled for the GPU and for the host.
//
// The arithmetic of our CUDA kernels is written once, in plain functions that nvcc compiles for the
// device and the ordinary compiler for the host, where tests run it over an emulated grid. So the
// headers of this room that hold it include no header of CUDA's or LibTorch's.

#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define UPSCALER_HOST_DEVICE __host__ __device__
#else
#define UPSCALER_HOST_DEVICE
#endif

namespace upscaler {

// How many blocks of threads a kernel is started with, and which of them one is.
struct GridSize {
  unsigned x = 1;
  unsigned y = 1;
  unsigned z = 1;
};
using GridIndex = GridSize;

// The most that CUDA takes along y and along z.
inline constexpr std::int64_t kMostBlocks = 65535;

// Rounded up, for positive numbers.
UPSCALER_HOST_DEVICE constexpr std::int64_t Quotient(std::int64_t number, std::int64_t divisor) {
  return (number + divisor - 1) / divisor;
}

// Neighbouring numbers that a thread reads or writes at once. Where they are, all of them are
// aligned as one.
template <typename T, int kWidth>
struct alignas(sizeof(T) * kWidth) Numbers {
  T of[kWidth];
};

template <int kWidth, typename T>
UPSCALER_HOST_DEVICE Numbers<T, kWidth> Load(const T* from) {
  return *reinterpret_cast<const Numbers<T, kWidth>*>(from);
}

template <int kWidth, typename T>
UPSCALER_HOST_DEVICE void Store(const Numbers<T, kWidth>& numbers, T* to) {
  *reinterpret_cast<Numbers<T, kWidth>*>(to) = numbers;
}

// As many numbers of this type as the device's widest access has.
template <typename T>
inline constexpr int kWidest = 16 / static_cast<int>(sizeof(T));

}  // namespace upscaler
