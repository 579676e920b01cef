#include "worker/models/unet/unet.h"

#include <cstdint>
#include <vector>

#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/random_parameters.h"
#include "tests/support/tensor_matchers.h"

namespace upscaler {
namespace {

using test::TensorNear;

constexpr double kTolerance = 1e-5;

const UnetConfig kTiny{.in_channels = 6,
                       .out_channels = 4,
                       .level_channels = {32, 64, 64},
                       .layers_per_level = 1,
                       .attention_head_width = 16,
                       .context_width = 12,
                       .time_embedding_width = 64,
                       .time_condition_width = 20};

class UnetTest : public ::testing::Test {
 protected:
  static constexpr std::int64_t kTokens = 5;

  UnetTest() { test::RandomizeParameters(*unet_, /*seed=*/0); }

  // All in one call, with rows at different noise levels and prompts.
  at::Tensor Denoise(const at::Tensor& sample) {
    return unet_(sample, unet_->Modulation(c_noise_, condition_), unet_->KeysValues(context_));
  }

  c10::InferenceMode inference_;
  Unet unet_{kTiny};
  const at::Tensor c_noise_ = at::tensor({0.6F, -0.4F, -0.8F});
  const at::Tensor condition_ = at::randn({3, kTiny.time_condition_width});
  const at::Tensor context_ = at::randn({3, kTokens, kTiny.context_width});
};

TEST_F(UnetTest, KeepsTheSizeOfALatentThatFits) {
  const auto result = Denoise(at::randn({3, kTiny.in_channels, 8, 12}));

  EXPECT_EQ(result.sizes(), (at::IntArrayRef{3, kTiny.out_channels, 8, 12}));
}

TEST_F(UnetTest, GivesEachRowTheResultItHasAlone) {
  const auto sample = at::randn({3, kTiny.in_channels, 12, 8});
  const auto together = Denoise(sample);

  for (std::int64_t i = 0; i < 3; ++i) {
    const auto row = [i](const at::Tensor& rows) { return rows.narrow(0, i, 1); };
    const auto alone = unet_(row(sample), unet_->Modulation(row(c_noise_), row(condition_)),
                             unet_->KeysValues(row(context_)));
    EXPECT_THAT(row(together), TensorNear(alone, kTolerance)) << "row " << i;
  }
}

TEST_F(UnetTest, TakesRowsThatWereComputedApart) {
  const auto sample = at::randn({3, kTiny.in_channels, 8, 8});
  std::vector<at::Tensor> modulation;
  std::vector<at::Tensor> keys_values;
  for (std::int64_t i = 0; i < 3; ++i) {
    modulation.push_back(unet_->Modulation(c_noise_.narrow(0, i, 1), condition_.narrow(0, i, 1)));
    keys_values.push_back(unet_->KeysValues(context_.narrow(0, i, 1)));
  }

  const auto result = unet_(sample, at::cat(modulation), at::cat(keys_values));

  EXPECT_THAT(result, TensorNear(Denoise(sample), kTolerance));
}

TEST_F(UnetTest, HearsTheNoiseLevelAndThePrompt) {
  const auto sample = at::randn({3, kTiny.in_channels, 8, 8});
  const auto modulation = unet_->Modulation(c_noise_, condition_);
  const auto keys_values = unet_->KeysValues(context_);
  const auto result = unet_(sample, modulation, keys_values);

  const auto other_noise =
      unet_(sample, unet_->Modulation(c_noise_ + 0.1, condition_), keys_values);
  const auto other_pooled = unet_(sample, unet_->Modulation(c_noise_, -condition_), keys_values);
  const auto other_prompt = unet_(sample, modulation, unet_->KeysValues(-context_));

  EXPECT_GT((other_noise - result).abs().max().item<float>(), 1e-3);
  EXPECT_GT((other_pooled - result).abs().max().item<float>(), 1e-3);
  EXPECT_GT((other_prompt - result).abs().max().item<float>(), 1e-3);
}

TEST_F(UnetTest, HasThePublishedModelsParameters) {
  const Unet published(UnetConfig{.in_channels = 8,
                                  .out_channels = 5,
                                  .level_channels = {384, 384, 768, 768},
                                  .layers_per_level = 4,
                                  .attention_head_width = 64,
                                  .context_width = 768,
                                  .time_embedding_width = 768,
                                  .time_condition_width = 896});

  const auto parameters = published->named_parameters();

  EXPECT_EQ(parameters.size(), 639U);
  EXPECT_EQ(test::CountParameters(*published), 372'560'645);
  EXPECT_EQ(parameters["up_blocks.1.resnets.0.conv1.weight"].sizes(),
            (at::IntArrayRef{768, 1536, 3, 3}));
  EXPECT_TRUE(parameters.contains("down_blocks.3.attentions.3.attn2.norm_cross.weight"));
  EXPECT_FALSE(parameters.contains("up_blocks.1.resnets.0.conv_shortcut.bias"));
}

}  // namespace
}  // namespace upscaler
