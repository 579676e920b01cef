// What the loops of all kernels share: vectors of floats in memory.
//
// This header and those that include it are compiled with other flags in each file that does, see
// machine_loops.h. So all that is here has internal linkage, and nothing of the standard library's
// is called: the linker keeps one copy of an inline function, and if that were the one with
// AVX-512 in it, machines without would stop at it.

#pragma once

#include <cstdint>

namespace upscaler {
namespace {

template <typename Vector>
Vector Load(const float* from) {
  Vector vector;
  __builtin_memcpy(&vector, from, sizeof vector);
  return vector;
}

template <typename Vector>
void Store(const Vector& vector, float* to) {
  __builtin_memcpy(to, &vector, sizeof vector);
}

// Calls body.template operator()<Vector>(channel) for whole vectors of channels first, then for
// the channels that are left, one by one.
template <typename Vector, typename Body>
void ForEachVector(std::int64_t channels, const Body& body) {
  constexpr std::int64_t kLanes = sizeof(Vector) / sizeof(float);
  std::int64_t channel = 0;
  for (; channel + kLanes <= channels; channel += kLanes) body.template operator()<Vector>(channel);
  for (; channel < channels; ++channel) body.template operator()<float>(channel);
}

}  // namespace
}  // namespace upscaler
