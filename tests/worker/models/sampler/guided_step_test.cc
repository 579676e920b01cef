#include "worker/models/sampler/guided_step.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/models/sampler/euler.h"

namespace upscaler {
namespace {

constexpr StepScalars kScalars = {.sigma = 2.25F, .next_sigma = 1.5F, .guidance = 7.5};

// To the bit, since pictures are to be the same whichever way they are stepped.
TEST(GuidedStepTest, IsItsPartsOneAfterAnother) {
  for (const at::ScalarType type : {at::kFloat, at::kHalf}) {
    const at::Tensor latents = at::randn({1, 4, 6, 5}).to(type);
    const at::Tensor output = at::randn({2, 4, 6, 5}).to(type);

    const GuidedStepResult result = GuidedStep(latents, output, kScalars);

    const at::Tensor denoised = Guide(Denoised(latents, output, kScalars.sigma), kScalars.guidance);
    EXPECT_TRUE(at::equal(result.denoised, denoised));
    EXPECT_TRUE(
        at::equal(result.next, EulerStep(latents, denoised, kScalars.sigma, kScalars.next_sigma)));
  }
}

TEST(GuidedStepTest, DoesNotGuideASinglePass) {
  const at::Tensor latents = at::randn({1, 4, 6, 5});
  const at::Tensor output = at::randn({1, 4, 6, 5});

  const GuidedStepResult result = GuidedStep(latents, output, kScalars);

  EXPECT_TRUE(at::equal(result.denoised, Denoised(latents, output, kScalars.sigma)));
}

TEST(GuidedStepTest, RefusesWhatDoesNotFit) {
  const at::Tensor latents = at::randn({1, 4, 6, 5});

  EXPECT_THROW(GuidedStep(latents, at::randn({3, 4, 6, 5}), kScalars), c10::Error);
  EXPECT_THROW(GuidedStep(latents, at::randn({2, 5, 6, 5}), kScalars), c10::Error);
  EXPECT_THROW(GuidedStep(latents, at::randn({2, 4, 6, 1}), kScalars), c10::Error);
  EXPECT_THROW(GuidedStep(at::randn({2, 4, 6, 5}), at::randn({2, 4, 6, 5}), kScalars), c10::Error);
}

}  // namespace
}  // namespace upscaler
