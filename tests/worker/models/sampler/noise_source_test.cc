#include "worker/models/sampler/noise_source.h"

#include <cstdint>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/tensor_matchers.h"

namespace upscaler::test {
namespace {

// Processors without AVX2 compute the normal distribution in another way.
constexpr double kTolerance = 2e-6;

at::Tensor FirstOf(const at::Tensor& noise, std::int64_t count) {
  return noise.flatten().narrow(0, 0, count);
}

TEST(NoiseSourceTest, GivesTheReferencesNumbers) {
  const at::Tensor zero = NoiseSource(0).Draw({1, 4, 128, 128}, at::kFloat);
  const at::Tensor other = NoiseSource(33).Draw({1, 4, 128, 128}, at::kFloat);

  EXPECT_THAT(FirstOf(zero, 4),
              TensorNear(at::tensor({-1.12583983F, -1.1523602F, -0.250578582F, -0.433878809F}),
                         kTolerance));
  EXPECT_THAT(FirstOf(other, 4),
              TensorNear(at::tensor({0.601374209F, 0.108741343F, -0.449875116F, 0.784146905F}),
                         kTolerance));
  EXPECT_NEAR(other[0][3][127][127].item<double>(), -0.670877039, kTolerance);
}

TEST(NoiseSourceTest, GoesOnFromDrawToDraw) {
  NoiseSource noise(33);

  noise.Draw({1, 4, 64, 64}, at::kFloat);
  const at::Tensor second = noise.Draw({1, 4, 128, 128}, at::kFloat);

  EXPECT_THAT(FirstOf(second, 2),
              TensorNear(at::tensor({-1.70950985F, -0.290726155F}), kTolerance));
}

TEST(NoiseSourceTest, HalfPrecisionHasNumbersOfItsOwn) {
  const at::Tensor noise = NoiseSource(33).Draw({1, 4, 16, 16}, at::kHalf);

  EXPECT_EQ(noise.scalar_type(), at::kHalf);
  EXPECT_THAT(FirstOf(noise, 2).to(at::kFloat),
              TensorNear(at::tensor({1.13671875F, 0.6396484F}), kTolerance));
}

TEST(NoiseSourceTest, TheSameSeedGivesTheSameNoise) {
  EXPECT_TRUE(at::equal(NoiseSource(7).Draw({1, 4, 8, 8}, at::kFloat),
                        NoiseSource(7).Draw({1, 4, 8, 8}, at::kFloat)));
  EXPECT_FALSE(at::equal(NoiseSource(7).Draw({1, 4, 8, 8}, at::kFloat),
                         NoiseSource(8).Draw({1, 4, 8, 8}, at::kFloat)));
}

TEST(NoiseSourceTest, TheLowBitsOfTheSeedCount) {
  EXPECT_TRUE(at::equal(NoiseSource(5).Draw({16}, at::kFloat),
                        NoiseSource((1ULL << 32) + 5).Draw({16}, at::kFloat)));
}

}  // namespace
}  // namespace upscaler::test
