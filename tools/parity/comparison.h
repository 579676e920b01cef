// How far what was computed is from what the reference has.

#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace upscaler {

struct Comparison {
  std::string stage;
  double largest = 0;     // The reference's largest magnitude.
  double difference = 0;  // The largest; infinite where the shapes are different.
  double allowed = 0;

  // NaN is never within anything.
  bool Holds() const { return difference <= allowed; }
};

// For whole numbers, such as pixels: `allowed` is in their unit.
Comparison CompareWithin(std::string stage, const at::Tensor& found, const at::Tensor& reference,
                         double allowed);

// Values of float: what two correct computations may differ by.
Comparison CompareFloats(std::string stage, const at::Tensor& found, const at::Tensor& reference);

// All comparisons as lines for a terminal.
std::string FormatTable(const std::vector<Comparison>& comparisons);

}  // namespace upscaler
