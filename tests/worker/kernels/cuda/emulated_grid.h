// Runs the bodies of CUDA kernels on the host, one thread of the grid after another.
//
// It is the same arithmetic that nvcc compiles for the device, index by index. What it cannot show
// is what depends on threads running at once, or on the device itself.

#pragma once

#include <cstddef>
#include <vector>

#include "worker/kernels/cuda/host_device.h"

namespace upscaler::test {

// Calls `run` with every block of the grid.
template <typename Run>
void ForEachBlock(const GridSize& grid, const Run& run) {
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) run(GridIndex{.x = x, .y = y, .z = z});
    }
  }
}

// Calls `run` with every thread of a block. All of them end before it returns, as at a barrier.
template <typename Run>
void ForEachThread(int threads, const Run& run) {
  for (int thread = 0; thread < threads; ++thread) run(thread);
}

// What the threads of a block share, with numbers in it that nobody has written.
template <typename T>
std::vector<T> SharedMemory(int size) {
  return std::vector<T>(static_cast<std::size_t>(size), T{1e30F});
}

}  // namespace upscaler::test
