// The randomness of one picture.

#pragma once

#include <cstdint>

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>
#include <c10/util/ArrayRef.h>

namespace upscaler {

// A picture has a source of its own, so that its noise does not depend on what it
// is computed with. Not thread-safe.
//
// Noise is drawn on the CPU whatever the device, because there the same seed gives
// the same numbers on every machine, and the reference's.
class NoiseSource {
 public:
  // Only the low 32 bits of the seed count.
  explicit NoiseSource(std::uint64_t seed);

  // The next numbers, of a normal distribution with mean 0 and deviation 1, on the
  // CPU. Each dtype has numbers of its own; those of half precision are not those
  // of full precision, rounded.
  at::Tensor Draw(at::IntArrayRef shape, at::ScalarType dtype);

 private:
  at::Generator generator_;
};

}  // namespace upscaler
