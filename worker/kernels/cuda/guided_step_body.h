// What the threads of the sampler's step do: see worker/models/sampler/guided_step.h.
//
// The order of the operations, and where they round to the latents' type, are those of euler.cc,
// which are the reference's. So the results are those of a CPU to the bit, and the file that has
// the kernel is compiled without the contraction of products and sums.

#pragma once

#include <cstdint>

#include "worker/kernels/cuda/host_device.h"

namespace upscaler {

inline constexpr int kGuidedStepThreads = 256;

// From one number of a tensor [P, C, H, W] to the next along each axis.
struct PlaneStrides {
  std::int64_t pass = 0;
  std::int64_t channel = 0;
  std::int64_t y = 0;
  std::int64_t x = 0;
};

// All that a step is told of, but for where its tensors are.
struct GuidedStepSizes {
  PlaneStrides of_latents;
  PlaneStrides of_output;
  bool guided = false;  // Two passes, and not one.
  int channels = 0;
  int height = 0;
  int width = 0;
  float keep = 0;  // See Preconditioning in euler.h.
  float take = 0;
  float guidance = 0;
  float sigma = 0;
  float next_sigma = 0;

  UPSCALER_HOST_DEVICE std::int64_t count() const {
    return std::int64_t{channels} * height * width;
  }
};

inline GridSize GuidedStepGrid(const GuidedStepSizes& sizes) {
  return {.x = static_cast<unsigned>(Quotient(sizes.count(), kGuidedStepThreads))};
}

template <typename T>
struct GuidedStepBody {
  GuidedStepSizes sizes;
  const T* latents;  // [1, C, H, W]
  const T* output;   // [P, C, H, W]: of two passes, the negative prompt's first.
  T* denoised;       // [1, C, H, W], and so is the next; both contiguous.
  T* next;

  UPSCALER_HOST_DEVICE void Compute(const GridIndex& block, int thread) const {
    const std::int64_t i = std::int64_t{block.x} * kGuidedStepThreads + thread;
    if (i >= sizes.count()) return;
    const std::int64_t row = i / sizes.width;
    const std::int64_t x = i % sizes.width;
    const std::int64_t y = row % sizes.height;
    const std::int64_t channel = row / sizes.height;
    const auto place = [&](const PlaneStrides& strides) {
      return channel * strides.channel + y * strides.y + x * strides.x;
    };
    const auto from = static_cast<float>(latents[place(sizes.of_latents)]);
    const T* const seen = output + place(sizes.of_output);

    const float kept = Rounded(from * sizes.keep);
    float picture = Rounded(kept + Rounded(static_cast<float>(*seen) * sizes.take));
    if (sizes.guided) {
      const auto positive_seen = static_cast<float>(seen[sizes.of_output.pass]);
      const float positive = Rounded(kept + Rounded(positive_seen * sizes.take));
      picture = Rounded(picture + Rounded(Rounded(positive - picture) * sizes.guidance));
    }
    denoised[i] = static_cast<T>(picture);
    const float slope = (from - picture) / sizes.sigma;
    next[i] = static_cast<T>(from + slope * (sizes.next_sigma - sizes.sigma));
  }

  // As it is after being kept in a tensor of the latents' type.
  UPSCALER_HOST_DEVICE static float Rounded(float number) {
    return static_cast<float>(static_cast<T>(number));
  }
};

}  // namespace upscaler
