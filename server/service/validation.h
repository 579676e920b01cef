// From what a caller asks for to what the worker does: defaults filled in,
// ranges checked.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <absl/status/statusor.h>

#include "common/clock.h"
#include "proto/upscaler/v1/spec.pb.h"
#include "worker/upscaler.h"

namespace upscaler {

// What a caller may ask for, as the contract has it. Texts are in bytes.
inline constexpr std::size_t kMaxPromptBytes = 10'000;
inline constexpr double kMaxGuidanceScale = 50;
inline constexpr std::uint32_t kMaxSteps = 200;
inline constexpr std::uint32_t kMaxImages = 10;
inline constexpr std::uint32_t kMaxPreviews = 10;
inline constexpr std::uint32_t kMaxQuality = 100;
inline constexpr std::uint32_t kMaxResizedSide = 65'535;
inline constexpr std::uint32_t kScales[] = {2, 4};
inline constexpr std::uint32_t kMinTileSize = 64;
inline constexpr std::uint32_t kMaxTileSize = 4'096;
inline constexpr std::size_t kMaxChunkBytes = std::size_t{1} << 20;

// What a caller has sent: an encoded picture, or latents.
struct TaskInput {
  std::string bytes;
  std::optional<v1::LatentsInfo> latents = {};
};

// The task that `spec` and `input` describe. `random_seed` stands in for a seed that
// the spec leaves out. kInvalidArgument naming the field that is out of range or, for an
// empty input, "image" or "latents.data".
absl::StatusOr<UpscaleTask> MakeTask(const v1::UpscaleSpec& spec, TaskInput input,
                                     TimePoint deadline, std::uint32_t random_seed);

// Checks `spec` alone, before there is a picture. As MakeTask.
absl::Status CheckSpec(const v1::UpscaleSpec& spec);

// How to read latents. kInvalidArgument naming the field.
absl::StatusOr<LatentsForm> ReadForm(const v1::LatentsInfo& latents);

// `task` as a spec in which nothing is left out but a size to resize to, if it has none.
v1::UpscaleSpec EffectiveSpec(const UpscaleTask& task);

}  // namespace upscaler
