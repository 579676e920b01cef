// Two ways to do the same, timed by turns: the machine is not always equally fast.

#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>

#include <ATen/core/Tensor.h>

namespace upscaler {

using Work = std::function<at::Tensor()>;

inline double Milliseconds(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

// The least of all rounds, in milliseconds.
struct LeastTimes {
  double reference = std::numeric_limits<double>::infinity();
  double ours = std::numeric_limits<double>::infinity();
};

// After one round that does not count.
inline LeastTimes TimeByTurns(int rounds, const Work& reference, const Work& ours) {
  reference();
  ours();
  LeastTimes least;
  for (int round = 0; round < rounds; ++round) {
    least.reference = std::min(least.reference, Milliseconds(reference));
    least.ours = std::min(least.ours, Milliseconds(ours));
  }
  return least;
}

}  // namespace upscaler
