#include "worker/models/sampler/noise_source.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randn.h>

namespace upscaler {

NoiseSource::NoiseSource(std::uint64_t seed)
    : generator_(at::make_generator<at::CPUGeneratorImpl>(seed)) {}

at::Tensor NoiseSource::Draw(at::IntArrayRef shape, at::ScalarType dtype) {
  return at::randn(shape, generator_, at::device(at::kCPU).dtype(dtype));
}

}  // namespace upscaler
