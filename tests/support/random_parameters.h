// Weights for modules that have no checkpoint: small random numbers, so that every
// part of a module has a say in its result.

#pragma once

#include <cstdint>

#include <ATen/CPUGeneratorImpl.h>
#include <torch/nn/module.h>

namespace upscaler::test {

// The same numbers for the same seed and module.
inline void RandomizeParameters(torch::nn::Module& module, std::uint64_t seed) {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  for (at::Tensor& parameter : module.parameters()) {
    parameter.set_requires_grad(false).normal_(/*mean=*/0.0, /*std=*/0.1, generator);
  }
}

// How many numbers the module's parameters hold in all.
inline std::int64_t CountParameters(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const at::Tensor& parameter : module.parameters()) count += parameter.numel();
  return count;
}

}  // namespace upscaler::test
