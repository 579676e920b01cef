// The loops of normalization and activation, for one kind of vectors: see vector_loops.h.

#pragma once

#include <cstdint>

#include "worker/kernels/machine_loops.h"
#include "worker/kernels/vector_loops.h"

namespace upscaler {
namespace {

// c[0] + c[1] x + ..., by Horner's rule.
template <typename Vector, int n>
Vector Polynomial(const float (&coefficients)[n], const Vector& x) {
  Vector sum = Vector{} + coefficients[n - 1];
  for (int i = n - 2; i >= 0; --i) sum = sum * x + coefficients[i];
  return sum;
}

template <typename Vector>
Vector Clamped(const Vector& x, float least, float most) {
  const Vector low = Vector{} + least;
  const Vector high = Vector{} + most;
  const Vector raised = x < low ? low : x;
  return raised > high ? high : raised;
}

// The error function to 4e-7: x P(x²) / Q(x²) of least squares, with weights raised where it was
// furthest off until the relative error was even (2.5e-8 before rounding). Beyond 4 it is 1.
template <typename Vector>
Vector Erf(const Vector& x) {
  constexpr float kNumerator[] = {1.1283791F,    0.19354339F,    0.05310152F,
                                  0.0038832705F, 0.00028456398F, 1.986792e-06F};
  constexpr float kDenominator[] = {1.0F,         0.50485593F,   0.11534931F,
                                    0.015207105F, 0.0011855528F, 3.7420174e-05F};
  const Vector within = Clamped(x, -4.0F, 4.0F);
  const Vector square = within * within;
  return within * Polynomial(kNumerator, square) / Polynomial(kDenominator, square);
}

// x times the normal distribution's share below x.
template <typename Vector>
Vector Gelu(const Vector& x) {
  constexpr float kSqrtOfHalf = 0.70710678118654752F;
  return 0.5F * x * (1.0F + Erf(x * kSqrtOfHalf));
}

// To 4e-7, made as Erf was. Beyond 9 it is 1.
template <typename Vector>
Vector Tanh(const Vector& x) {
  constexpr float kNumerator[] = {1.0F,           0.13084014F,     0.0031039596F,
                                  1.1154341e-05F, -2.0225349e-08F, 5.2780023e-11F,
                                  -8.488837e-14F};
  constexpr float kDenominator[] = {1.0F, 0.4641734F, 0.024495192F, 0.000254615F};
  const Vector within = Clamped(x, -9.0F, 9.0F);
  const Vector square = within * within;
  return within * Polynomial(kNumerator, square) / Polynomial(kDenominator, square);
}

// x / (1 + exp(-x)) = x (1 + tanh(x / 2)) / 2
template <typename Vector>
Vector Silu(const Vector& x) {
  return 0.5F * x * (1.0F + Tanh(0.5F * x));
}

template <typename Vector>
void AddMoments(const float* features, std::int64_t pixels, std::int64_t channels,
                const float* pivot, float* sums, float* squares) {
  ForEachVector<Vector>(channels, [&]<typename Lanes>(std::int64_t channel) {
    const auto base = Load<Lanes>(pivot + channel);
    auto sum = Load<Lanes>(sums + channel);
    auto square = Load<Lanes>(squares + channel);
    for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
      const Lanes above = Load<Lanes>(features + pixel * channels + channel) - base;
      sum += above;
      square += above * above;
    }
    Store(sum, sums + channel);
    Store(square, squares + channel);
  });
}

template <typename Vector, Activation activation>
void ActivateAs(const float* features, std::int64_t pixels, std::int64_t channels,
                const float* factor, const float* offset, float* out) {
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
    const float* const from = features + pixel * channels;
    float* const to = out + pixel * channels;
    ForEachVector<Vector>(channels, [&]<typename Lanes>(std::int64_t channel) {
      const Lanes x = Load<Lanes>(from + channel) * Load<Lanes>(factor + channel) +
                      Load<Lanes>(offset + channel);
      if constexpr (activation == Activation::kGelu) {
        Store(Gelu(x), to + channel);
      } else if constexpr (activation == Activation::kSilu) {
        Store(Silu(x), to + channel);
      } else {
        Store(x, to + channel);
      }
    });
  }
}

template <typename Vector>
void Activate(const float* features, std::int64_t pixels, std::int64_t channels,
              const float* factor, const float* offset, Activation activation, float* out) {
  switch (activation) {
    case Activation::kGelu:
      return ActivateAs<Vector, Activation::kGelu>(features, pixels, channels, factor, offset, out);
    case Activation::kSilu:
      return ActivateAs<Vector, Activation::kSilu>(features, pixels, channels, factor, offset, out);
    default:
      return ActivateAs<Vector, Activation::kNone>(features, pixels, channels, factor, offset, out);
  }
}

}  // namespace
}  // namespace upscaler
