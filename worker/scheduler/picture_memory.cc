#include "worker/scheduler/picture_memory.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "common/error_details.h"

namespace upscaler {
namespace {

// Never said to fit: more than this part of a picture that did not.
constexpr double kLargestPart = 0.5;

// The largest side within `side` that keeps the rule.
int FittingSide(double side, const SideRule& sides) {
  const int whole = static_cast<int>(side) / sides.multiple * sides.multiple;
  return std::max(whole, sides.minimum);
}

// By how much the sides have to be smaller.
double FittingScale(std::int64_t needed, std::int64_t available) {
  const double part = static_cast<double>(std::max<std::int64_t>(available, 0)) /
                      static_cast<double>(std::max<std::int64_t>(needed, 1));
  return std::sqrt(std::min(kLargestPart, part));
}

}  // namespace

absl::Status TooLargeForMemory(const BatchKey& key, std::int64_t needed, std::int64_t available,
                               const SideRule& sides) {
  const double scale = FittingScale(needed, available);
  return WithReason(absl::ResourceExhaustedError(fmt::format(
                        "the device has no memory for a picture of {}x{}; one of {}x{} should fit",
                        key.width, key.height, FittingSide(key.width * scale, sides),
                        FittingSide(key.height * scale, sides))),
                    "OUT_OF_MEMORY");
}

absl::Status TileTooLargeForMemory(int tile_side, std::int64_t needed, std::int64_t available,
                                   const SideRule& sides) {
  return WithReason(
      absl::ResourceExhaustedError(
          fmt::format("the device has no memory for tiles of {0}x{0}; tile_size {1} should fit",
                      tile_side, FittingSide(tile_side * FittingScale(needed, available), sides))),
      "OUT_OF_MEMORY");
}

}  // namespace upscaler
