#include "worker/models/vae/vae.h"

#include <cstdint>

#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/random_parameters.h"
#include "tests/support/tensor_matchers.h"

namespace upscaler {
namespace {

using test::TensorNear;

constexpr double kTolerance = 1e-5;

const VaeConfig kTiny{.level_channels = {8, 12, 16},
                      .layers_per_level = 1,
                      .latent_channels = 5,
                      .norm_groups = 4,
                      .scaling_factor = 0.5};

class VaeTest : public ::testing::Test {
 protected:
  VaeTest() { test::RandomizeParameters(*vae_, /*seed=*/0); }

  c10::InferenceMode inference_;
  Vae vae_{kTiny};
};

TEST_F(VaeTest, ReducesAPictureAndBringsItBack) {
  const auto moments = vae_->Encode(at::randn({2, 3, 16, 24}));
  const auto pixels = vae_->Decode(at::randn({2, 5, 4, 6}));

  EXPECT_EQ(moments.sizes(), (at::IntArrayRef{2, 10, 4, 6}));
  EXPECT_EQ(pixels.sizes(), (at::IntArrayRef{2, 3, 16, 24}));
}

TEST_F(VaeTest, GivesEachPictureTheResultItHasAlone) {
  const auto pictures = at::randn({2, 3, 16, 16});
  const auto latents = at::randn({2, 5, 4, 4});

  const auto moments = vae_->Encode(pictures);
  const auto pixels = vae_->Decode(latents);

  for (std::int64_t i = 0; i < 2; ++i) {
    const auto row = [i](const at::Tensor& rows) { return rows.narrow(0, i, 1); };
    EXPECT_THAT(row(moments), TensorNear(vae_->Encode(row(pictures)), kTolerance));
    EXPECT_THAT(row(pixels), TensorNear(vae_->Decode(row(latents)), kTolerance));
  }
}

TEST_F(VaeTest, HasNoPartThatItsConfigGoesWithout) {
  VaeConfig config = kTiny;
  config.mid_attention = false;
  config.quant_conv = false;
  config.post_quant_conv = false;

  for (const auto& name : Vae(config)->named_parameters().keys()) {
    EXPECT_THAT(name, ::testing::Not(::testing::HasSubstr("attentions")));
    EXPECT_THAT(name, ::testing::Not(::testing::HasSubstr("quant_conv")));
  }
}

TEST_F(VaeTest, HasThePublishedModelsParameters) {
  const Vae published(VaeConfig{.level_channels = {128, 256, 512, 512},
                                .layers_per_level = 2,
                                .latent_channels = 4,
                                .norm_groups = 32,
                                .scaling_factor = 0.18215});

  const auto parameters = published->named_parameters();

  EXPECT_EQ(parameters.size(), 248U);
  EXPECT_EQ(test::CountParameters(*published), 83'653'863);
  EXPECT_TRUE(parameters.contains("decoder.mid_block.attentions.0.to_out.0.weight"));
  EXPECT_TRUE(parameters.contains("encoder.down_blocks.2.downsamplers.0.conv.bias"));
  EXPECT_TRUE(parameters.contains("decoder.up_blocks.2.upsamplers.0.conv.weight"));
}

}  // namespace
}  // namespace upscaler
