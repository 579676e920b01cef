// What a picture costs a device, as it was measured: see step_costs.py.

#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include <absl/status/statusor.h>

#include "common/clock.h"

namespace upscaler::benchmark {

// Of pictures that are all of one size. Immutable.
struct Costs {
  std::string device;                        // In words, for reports.
  std::optional<TimePoint::duration> start;  // Of a server, until it is ready.
  TimePoint::duration encode{};              // Of a picture, its prompt included.
  TimePoint::duration decode{};
  std::map<std::size_t, TimePoint::duration> step;  // By the pictures that share it; never empty.

  // A step of so many pictures, at least 1: between two that were measured on the line
  // between them, beyond the largest in proportion to it, which supposes no further gain.
  TimePoint::duration Step(std::size_t pictures) const;
};

// Reads a file of them. Fails with what is wrong with it.
absl::StatusOr<Costs> ReadCosts(const std::string& path);

}  // namespace upscaler::benchmark
