#include "benchmarks/scaling/costs.h"

#include <chrono>
#include <cstdlib>
#include <iterator>
#include <optional>

#include <absl/status/status.h>
#include <nlohmann/json.hpp>

#include "common/json_fields.h"
#include "common/status_macros.h"

namespace upscaler::benchmark {
namespace {

TimePoint::duration ToDuration(double seconds) {
  return std::chrono::duration_cast<TimePoint::duration>(std::chrono::duration<double>(seconds));
}

// The time of a name, which may be 0.
TimePoint::duration TimeOf(JsonFields& fields, const char* name) {
  const double seconds = fields.Number(name);
  if (seconds < 0) fields.Refuse(name, "is below 0");
  return ToDuration(seconds);
}

// An object of times above 0 by numbers of pictures, 1 among them.
std::map<std::size_t, TimePoint::duration> StepsOf(JsonFields& fields) {
  constexpr const char* kName = "step_seconds";
  std::map<std::size_t, TimePoint::duration> steps;
  const nlohmann::json& object = fields.object();
  if (object.contains(kName) && object[kName].is_object()) {
    for (const auto& [pictures, seconds] : object[kName].items()) {
      const std::size_t number = std::strtoul(pictures.c_str(), nullptr, 10);
      if (number == 0 || !seconds.is_number() || seconds.get<double>() <= 0) {
        fields.Refuse(kName, "is not an object of seconds by numbers of pictures");
        return steps;
      }
      steps[number] = ToDuration(seconds.get<double>());
    }
  }
  if (!steps.contains(1)) fields.Refuse(kName, "has no time of a step of 1 picture");
  return steps;
}

}  // namespace

TimePoint::duration Costs::Step(std::size_t pictures) const {
  const auto above = step.lower_bound(pictures);
  if (above == step.end()) {
    const auto& [most, time] = *step.rbegin();
    return time * static_cast<TimePoint::rep>(pictures) / static_cast<TimePoint::rep>(most);
  }
  if (above->first == pictures || above == step.begin()) return above->second;
  const auto below = std::prev(above);
  return below->second + (above->second - below->second) *
                             static_cast<TimePoint::rep>(pictures - below->first) /
                             static_cast<TimePoint::rep>(above->first - below->first);
}

absl::StatusOr<Costs> ReadCosts(const std::string& path) {
  UPSCALER_ASSIGN_OR_RETURN(JsonFields fields, JsonFields::ReadFile(path));
  Costs costs{.device = fields.String("device"),
              .start = std::nullopt,
              .encode = TimeOf(fields, "encode_seconds"),
              .decode = TimeOf(fields, "decode_seconds"),
              .step = StepsOf(fields)};
  if (fields.Has("start_seconds")) costs.start = TimeOf(fields, "start_seconds");
  UPSCALER_RETURN_IF_ERROR(fields.status());
  return costs;
}

}  // namespace upscaler::benchmark
