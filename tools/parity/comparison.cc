#include "tools/parity/comparison.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <fmt/format.h>

namespace upscaler {
namespace {

// At values of order 1 and below, where float's spacing is 6e-8 and the networks
// add up some thousands of products, in an order of their own. At larger values it
// grows with the largest of them, as the spacing does.
constexpr double kFloatTolerance = 2e-5;

}  // namespace

Comparison CompareWithin(std::string stage, const at::Tensor& found, const at::Tensor& reference,
                         double allowed) {
  const at::Tensor wanted = reference.to(at::kDouble);
  const double difference = found.sizes() == reference.sizes()
                                ? (found.to(at::kDouble) - wanted).abs().max().item<double>()
                                : std::numeric_limits<double>::infinity();
  return {.stage = std::move(stage),
          .largest = wanted.abs().max().item<double>(),
          .difference = difference,
          .allowed = allowed};
}

Comparison CompareFloats(std::string stage, const at::Tensor& found, const at::Tensor& reference) {
  Comparison comparison = CompareWithin(std::move(stage), found, reference, kFloatTolerance);
  comparison.allowed *= std::max(1.0, comparison.largest);
  return comparison;
}

std::string FormatTable(const std::vector<Comparison>& comparisons) {
  std::string table = fmt::format("{:<28}{:>12}{:>12}{:>12}  {}\n", "stage", "largest",
                                  "difference", "allowed", "verdict");
  for (const Comparison& comparison : comparisons) {
    table += fmt::format("{:<28}{:>12.5g}{:>12.2g}{:>12.2g}  {}\n", comparison.stage,
                         comparison.largest, comparison.difference, comparison.allowed,
                         comparison.Holds() ? "ok" : "TOO FAR");
  }
  return table;
}

}  // namespace upscaler
