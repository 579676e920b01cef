// When pictures come.

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "common/clock.h"

namespace upscaler::benchmark {

// So many pictures a second come at a moment after the start.
struct RatePoint {
  std::chrono::duration<double> at{};
  double rate = 0;
};

// Reads "SECONDS:RATE,SECONDS:RATE,...": at least two, in order, from 0.
absl::StatusOr<std::vector<RatePoint>> ParseRates(const std::string& text);

// The moments of pictures that come independently of one another, from the first point to the
// last, with the rate on the line between each two. The same for the same seed.
std::vector<TimePoint> Arrivals(const std::vector<RatePoint>& rates, std::uint64_t seed);

}  // namespace upscaler::benchmark
