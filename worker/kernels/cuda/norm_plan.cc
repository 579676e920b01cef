#include "worker/kernels/cuda/norm_plan.h"

#include <algorithm>
#include <limits>

namespace upscaler {
namespace {

// Neighbouring lanes read 512 bytes in a row, which is plenty for the memory's transactions.
constexpr std::int64_t kMostLanes = 32;
// Blocks of the first kernel for a picture: some for each multiprocessor of a large device. Neither
// the device nor the batch is asked, since the sums' rounding depends on it, and a picture's
// result should not depend on where and beside what it is computed.
constexpr std::int64_t kWantedBlocks = 512;
// Pixels that a thread adds up. Fewer, and starting it costs more than its work; more, and the sum
// in float becomes inexact.
constexpr std::int64_t kLeastPixels = 4;
constexpr std::int64_t kMostPixels = 256;

constexpr std::int64_t kMostNumbers = std::numeric_limits<std::int32_t>::max() / 2;

}  // namespace

bool HasNormPlan(const NormSizes& sizes) {
  const std::int64_t vectors = sizes.channels / sizes.width;
  const std::int64_t least_rows = kNormThreads / kMostLanes;
  return sizes.pictures <= kMostBlocks && sizes.channels <= kMostNumbers &&
         sizes.pixels <= kMostNumbers / vectors &&
         sizes.pixels <= kMostBlocks * least_rows * kMostPixels;
}

NormPlan PlanNorm(const NormSizes& sizes) {
  const std::int64_t vectors = sizes.channels / sizes.width;
  const std::int64_t tiles = Quotient(vectors, kMostLanes);
  const std::int64_t lanes = Quotient(vectors, tiles);
  const std::int64_t rows = kNormThreads / lanes;
  // The bound for exactness comes last: it holds in any case.
  const std::int64_t chunks = std::max(
      std::min(Quotient(kWantedBlocks, tiles), Quotient(sizes.pixels, rows * kLeastPixels)),
      Quotient(sizes.pixels, rows * kMostPixels));
  const std::int64_t pixels_in_chunk = Quotient(sizes.pixels, chunks);
  return {.pixels = sizes.pixels,
          .pictures = static_cast<int>(sizes.pictures),
          .channels = static_cast<int>(sizes.channels),
          .groups = static_cast<int>(sizes.groups),
          .vectors = static_cast<int>(vectors),
          .lanes = static_cast<int>(lanes),
          .rows = static_cast<int>(rows),
          .tiles = static_cast<int>(tiles),
          .chunks = static_cast<int>(Quotient(sizes.pixels, pixels_in_chunk)),
          .pixels_in_chunk = pixels_in_chunk};
}

GridSize NormPlan::MeasureGrid() const {
  return {.x = static_cast<unsigned>(tiles),
          .y = static_cast<unsigned>(chunks),
          .z = static_cast<unsigned>(pictures)};
}

GridSize NormPlan::SettleGrid() const {
  return {.x = static_cast<unsigned>(groups), .y = static_cast<unsigned>(pictures)};
}

GridSize NormPlan::ApplyGrid() const {
  const std::int64_t blocks = Quotient(pixels * vectors, kNormThreads * kNormItems);
  return {.x = static_cast<unsigned>(blocks), .y = static_cast<unsigned>(pictures)};
}

std::int64_t NormPlan::MomentsSize() const {
  return std::int64_t{2} * pictures * chunks * channels;
}

std::int64_t NormPlan::AffineSize() const { return std::int64_t{2} * pictures * channels; }

}  // namespace upscaler
