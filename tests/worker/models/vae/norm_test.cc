#include "worker/models/vae/norm.h"

#include <cstdint>

#include <ATen/Functions.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/random_parameters.h"
#include "tests/support/tensor_matchers.h"
#include "worker/models/vae/vae.h"

namespace upscaler {
namespace {

using test::TensorNear;

constexpr double kTolerance = 1e-5;

// Without attention, which sees the whole picture and so differs in a part of it.
const VaeConfig kTiny{.level_channels = {8, 12, 16},
                      .layers_per_level = 1,
                      .latent_channels = 5,
                      .norm_groups = 4,
                      .mid_attention = false,
                      .scaling_factor = 0.5};

// More positions than any part of the decoder sees to either side.
constexpr std::int64_t kReach = 12;

class NormPassTest : public ::testing::Test {
 protected:
  NormPassTest() {
    at::manual_seed(0);
    test::RandomizeParameters(*vae_, /*seed=*/0);
  }

  // Of a picture as a whole.
  NormStatistics Measured(const at::Tensor& latents) {
    NormStatistics statistics;
    NormPass norms = NormPass::Measure(statistics);
    vae_->Decode(latents, norms);
    return statistics;
  }

  c10::InferenceMode inference_;
  Vae vae_{kTiny};
};

TEST_F(NormPassTest, NormalizesSamplesOfOnePictureTogether) {
  VaeNorm norm(kTiny, 8);
  norm->weight.fill_(1);
  norm->bias.fill_(0);
  const at::Tensor dark = at::randn({1, 8, 16, 16}) - 3;
  const at::Tensor bright = at::randn({1, 8, 16, 16}) + 3;
  NormStatistics statistics;
  NormPass norms = NormPass::Measure(statistics);

  const at::Tensor normalized = norm->forward(at::cat({dark, bright}), norms);

  // Each by its own would have a mean of 0.
  EXPECT_LT(normalized[0].mean().item<float>(), -0.8F);
  EXPECT_GT(normalized[1].mean().item<float>(), 0.8F);
  EXPECT_EQ(statistics.norms.size(), 1U);
}

TEST_F(NormPassTest, DoesNotCountTheBordersOfSamples) {
  VaeNorm norm(kTiny, 8);
  norm->weight.fill_(1);
  norm->bias.fill_(0);
  at::Tensor sample = at::randn({1, 8, 16, 16});
  NormStatistics calm;
  NormPass first = NormPass::Measure(calm);
  norm->forward(sample, first);
  sample.narrow(2, 0, 2).fill_(1000);
  NormStatistics loud;
  NormPass second = NormPass::Measure(loud);

  norm->forward(sample, second);

  EXPECT_THAT(loud.norms.front().scale, TensorNear(calm.norms.front().scale, kTolerance));
}

TEST_F(NormPassTest, GivesAPartWhatItHasInTheWholeAwayFromItsBorders) {
  const at::Tensor latents = at::randn({1, 5, 64, 32});
  const NormStatistics statistics = Measured(latents);
  const auto decode = [&](const at::Tensor& part) {
    NormPass norms = NormPass::Use(statistics);
    return vae_->Decode(part, norms);
  };

  const at::Tensor whole = decode(latents);
  const at::Tensor upper = decode(latents.narrow(2, 0, 40));

  const std::int64_t rows = 4 * (40 - kReach);
  EXPECT_THAT(upper.narrow(2, 0, rows), TensorNear(whole.narrow(2, 0, rows), kTolerance));
}

TEST_F(NormPassTest, RefusesStatisticsOfAnotherNetwork) {
  const NormStatistics none;
  NormPass norms = NormPass::Use(none);

  EXPECT_ANY_THROW(vae_->Decode(at::randn({1, 5, 4, 4}), norms));
}

}  // namespace
}  // namespace upscaler
