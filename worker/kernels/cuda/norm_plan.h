// How group normalization is spread over a GPU.
//
// The statistics of a group reach over the whole picture. With a block of threads a group, as ATen
// has it, a network of 12 groups would leave nine tenths of a large GPU without work. So three
// kernels follow one another: each block of the first measures some pixels in some channels, the
// second makes of that a factor and an offset for each channel, and the third applies them.

#pragma once

#include <cstdint>

#include "worker/kernels/cuda/host_device.h"

namespace upscaler {

// Threads in a block of the first and third kernel, and of the second.
inline constexpr int kNormThreads = 256;
inline constexpr int kSettleThreads = 128;
// What a thread of the third kernel does: so many times kWidth numbers.
inline constexpr int kNormItems = 4;

struct NormSizes {
  std::int64_t pictures = 0;
  std::int64_t pixels = 0;  // Of a picture.
  std::int64_t channels = 0;
  std::int64_t groups = 0;
  int width = 1;  // Channels that a thread takes at once; divides `channels`.
};

// Members are as the kernels need them: 32 bits are enough where they are used.
struct NormPlan {
  std::int64_t pixels = 0;
  int pictures = 0;
  int channels = 0;
  int groups = 0;
  int vectors = 0;  // Of `width` channels, in a pixel.
  // A block of the first kernel has `rows` times `lanes` threads at work. Neighbouring lanes take
  // neighbouring vectors of a pixel, and rows take pixels by turns.
  int lanes = 0;
  int rows = 0;
  int tiles = 0;  // Times `lanes` are at least `vectors`.
  int chunks = 0;
  std::int64_t pixels_in_chunk = 0;

  GridSize MeasureGrid() const;
  GridSize SettleGrid() const;
  GridSize ApplyGrid() const;

  // Floats between the kernels: the moments [pictures, chunks, 2, channels] and what takes
  // features to results [pictures, 2, channels].
  std::int64_t MomentsSize() const;
  std::int64_t AffineSize() const;
};

// Whether there is a plan: the kernels' indices have 32 bits and CUDA's grids have bounds.
// Requires sizes of at least 1.
bool HasNormPlan(const NormSizes& sizes);

// Requires HasNormPlan(sizes).
NormPlan PlanNorm(const NormSizes& sizes);

}  // namespace upscaler
