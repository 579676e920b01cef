#include "worker/models/sampler/euler.h"

#include <cmath>
#include <cstdint>
#include <string>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/golden.h"
#include "tests/support/tensor_matchers.h"
#include "worker/models/sampler/noise_source.h"

namespace upscaler::test {
namespace {

// A few roundings of float, on latents of up to 60.
constexpr double kTolerance = 2e-5;

// The first step of a run of the reference, by what is known of it.
class FirstStep {
 public:
  explicit FirstStep(const Golden& golden)
      : sigma(golden.Tensor("scheduler.sigmas")[0].item<float>()),
        next_sigma(golden.Tensor("scheduler.sigmas")[1].item<float>()),
        channels(golden.Tensor("step.0.latents").size(1)) {
    NoiseSource noise(std::stoull(golden.Setting("seed")));
    const at::Tensor& moments = golden.Tensor("vae.moments");  // [1, 2C, h, w]
    noise.Draw({1, channels, moments.size(2), moments.size(3)}, at::kFloat);
    latents = noise.Draw(golden.Tensor("step.0.latents").sizes(), at::kFloat) * sigma;
  }

  float sigma;
  float next_sigma;
  std::int64_t channels;
  at::Tensor latents;  // [1, C, 2h, 2w], before the step.
};

TEST(EulerTest, BeginsAsTheReference) {
  for (const char* name : {"demo_coffee_96x64_g1", "narrow_coffee_96x64_g0"}) {
    const Golden golden(name);
    const FirstStep step(golden);

    EXPECT_FLOAT_EQ(NoiseCondition(step.sigma), golden.Tensor("unet.timestep").item<float>());
    EXPECT_THAT(ScaleInput(step.latents, step.sigma),
                TensorNear(golden.Tensor("unet.sample").narrow(1, 0, step.channels), kTolerance));
  }
}

TEST(EulerTest, StepsAsTheReference) {
  for (const char* name : {"demo_coffee_96x64_g1", "narrow_coffee_96x64_g0",
                           "narrow_astronaut_128x96_g1", "narrow_astronaut_128x96_g8"}) {
    const Golden golden(name);
    const FirstStep step(golden);
    const at::Tensor output = golden.Tensor("unet.output").narrow(1, 0, step.channels);

    at::Tensor denoised = Denoised(step.latents, output, step.sigma);
    if (output.size(0) == 2)
      denoised = Guide(denoised, std::stod(golden.Setting("guidance_scale")));
    const at::Tensor next = EulerStep(step.latents, denoised, step.sigma, step.next_sigma);

    EXPECT_THAT(next, TensorNear(golden.Tensor("step.0.latents"), kTolerance)) << name;
  }
}

TEST(EulerTest, InputHasTheVarianceOfOne) {
  const at::Tensor latents = at::full({1, 4, 2, 2}, 5.0F);

  EXPECT_THAT(ScaleInput(latents, 3.0F),
              TensorNear(at::full({1, 4, 2, 2}, 5.0F / std::sqrt(10.0F)), kTolerance));
}

TEST(EulerTest, WithoutNoiseThePictureIsTheLatentsThemselves) {
  const at::Tensor latents = at::randn({1, 4, 2, 2});

  EXPECT_TRUE(
      at::equal(Denoised(latents, at::randn({2, 4, 2, 2}), 0.0F), latents.expand({2, 4, 2, 2})));
}

TEST(EulerTest, GuidanceGoesFromTheNegativeTowardsThePositive) {
  const at::Tensor denoised = at::stack({at::full({4, 2, 2}, 1.0F), at::full({4, 2, 2}, 3.0F)});

  EXPECT_THAT(Guide(denoised, 0.0), TensorNear(at::full({1, 4, 2, 2}, 1.0F), 0.0));
  EXPECT_THAT(Guide(denoised, 1.0), TensorNear(at::full({1, 4, 2, 2}, 3.0F), 0.0));
  EXPECT_THAT(Guide(denoised, 7.5), TensorNear(at::full({1, 4, 2, 2}, 16.0F), 0.0));
}

TEST(EulerTest, AStepToNoNoiseArrivesAtThePicture) {
  const at::Tensor latents = at::randn({1, 4, 2, 2});
  const at::Tensor denoised = at::randn({1, 4, 2, 2});

  EXPECT_THAT(EulerStep(latents, denoised, 3.0F, 0.0F), TensorNear(denoised, kTolerance));
  EXPECT_TRUE(at::equal(EulerStep(latents, denoised, 3.0F, 3.0F), latents));
}

TEST(EulerTest, HalfPrecisionRoundsWhereTheReferenceDoes) {
  const at::Tensor latents = (at::randn({1, 4, 8, 8}) * 10).to(at::kHalf);
  const at::Tensor output = at::randn({1, 4, 8, 8}).to(at::kHalf);
  const auto rounded = [](const at::Tensor& tensor) { return tensor.to(at::kHalf); };
  const float sigma = 2.26371503F;
  const float next_sigma = 1.6589272F;
  const float variance = sigma * sigma + 1.0F;

  const at::Tensor denoised = Denoised(latents, output, sigma);

  EXPECT_TRUE(
      at::equal(ScaleInput(latents, sigma), rounded(latents.to(at::kFloat) / std::sqrt(variance))));
  EXPECT_TRUE(
      at::equal(denoised, rounded(latents.to(at::kFloat) * (1.0F / variance)) +
                              rounded(output.to(at::kFloat) * (sigma / std::sqrt(variance)))));
  const at::Tensor from = latents.to(at::kFloat);
  EXPECT_TRUE(
      at::equal(EulerStep(latents, denoised, sigma, next_sigma),
                rounded(from + (from - denoised.to(at::kFloat)) / sigma * (next_sigma - sigma))));
}

}  // namespace
}  // namespace upscaler::test
