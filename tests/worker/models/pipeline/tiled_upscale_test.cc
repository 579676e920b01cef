// A picture that is done in tiles: close to what it is as a whole, and the same however its
// tiles are spread over passes.

#include <algorithm>
#include <cstdint>
#include <ostream>
#include <utility>
#include <vector>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/tensor_matchers.h"
#include "tests/worker/models/pipeline/loaded_pipeline.h"
#include "worker/models/pipeline/pipeline.h"

namespace upscaler {
namespace {

using test::kDemo;
using test::kNarrow;
using test::LoadedPipeline;
using test::TensorNear;

// A pass of another number of rows takes other kernels, which add up in another order.
constexpr double kTolerance = 1e-4;

constexpr std::int64_t kHeight = 96;
constexpr std::int64_t kWidth = 160;
constexpr int kTileSide = 64;

// Colours that change slowly, with some grain -> [H, W, 3] of uint8
at::Tensor Picture(std::int64_t height, std::int64_t width) {
  const at::Tensor colours = at::rand({1, 3, 4, 4}, at::make_generator<at::CPUGeneratorImpl>(1));
  const at::Tensor smooth = at::upsample_bicubic2d(colours, {height, width}, false)[0];
  const at::Tensor grain =
      at::randn({3, height, width}, at::make_generator<at::CPUGeneratorImpl>(2), at::kFloat);
  return ((smooth + 0.02 * grain).clamp(0, 1) * 255).to(at::kByte).permute({1, 2, 0}).contiguous();
}

struct Case {
  const char* checkpoint;
  double guidance_scale;
};

std::ostream& operator<<(std::ostream& out, const Case& upscale) {
  return out << upscale.checkpoint << ", guidance " << upscale.guidance_scale;
}

class TiledUpscaleTest : public ::testing::TestWithParam<Case> {
 protected:
  PipelineRow Begin(int tile_side, int steps = 3) {
    PipelineRow row = loaded_.Begin({.pixels = Picture(kHeight, kWidth),
                                     .prompts = {.prompt = "a photo",
                                                 .negative = "",
                                                 .guidance_scale = GetParam().guidance_scale},
                                     .steps = steps,
                                     .seed = 5,
                                     .previews = true,
                                     .tile_side = tile_side});
    while (row.encoding.has_value()) loaded_.pipeline().EncodeTile(row);
    return row;
  }

  static bool Done(const PipelineRow& row) { return row.step + 1 == row.sigmas.size(); }

  // `at_a_time` tiles of the row in each pass, or as many as are left of its step.
  void Step(PipelineRow& row, int at_a_time) {
    while (!Done(row)) {
      const int tiles = std::min(at_a_time, row.plan.count() - row.tile);
      loaded_.Step(std::vector<PipelineRow*>(static_cast<std::size_t>(tiles), &row));
    }
  }

  at::Tensor Decode(const PipelineRow& row, int bits = 8) {
    BandDecoder decoder = loaded_.pipeline().DecodeBands(row.latents->latents(), row.plan, bits);
    std::vector<at::Tensor> bands;
    for (int i = 0; i < decoder.count(); ++i) bands.push_back(decoder.Next().to(at::kInt));
    return at::cat(bands);
  }

  c10::InferenceMode inference_;
  LoadedPipeline loaded_{GetParam().checkpoint};
};

// A model with random weights makes anything of a tile; a trained one looks at what is near.
class TiledUpscaleOfTrainedModelTest : public TiledUpscaleTest {};

TEST_P(TiledUpscaleOfTrainedModelTest, IsCloseToThePictureDoneAsAWhole) {
  PipelineRow whole = Begin(/*tile_side=*/0);
  PipelineRow tiled = Begin(kTileSide);
  Step(whole, 1);
  Step(tiled, 1);

  const at::Tensor wanted = loaded_.pipeline().Decode(whole.latents->latents()).to(at::kFloat);
  const at::Tensor found = Decode(tiled).to(at::kFloat);

  ASSERT_GT(tiled.plan.count(), 4);
  ASSERT_EQ(found.sizes(), wanted.sizes());
  const at::Tensor error = (found - wanted).abs();
  // Of 255 levels; docs/pictures.md has what was measured.
  EXPECT_LT(error.mean().item<double>(), 2.0);
  EXPECT_LT((found - wanted).mean().abs().item<double>(), 0.5);
}

TEST_P(TiledUpscaleTest, IsTheSameHoweverItsTilesAreSpreadOverPasses) {
  PipelineRow one_by_one = Begin(kTileSide);
  PipelineRow by_fours = Begin(kTileSide);
  Step(one_by_one, 1);
  Step(by_fours, 4);

  EXPECT_THAT(by_fours.latents->latents(), TensorNear(one_by_one.latents->latents(), kTolerance));
}

TEST_P(TiledUpscaleTest, SharesPassesWithOtherRows) {
  PipelineRow alone = Begin(kTileSide, /*steps=*/1);
  Step(alone, 1);
  PipelineRow tiled = Begin(kTileSide, /*steps=*/1);
  PipelineRow other = loaded_.Begin({.pixels = Picture(kTileSide, kTileSide),
                                     .prompts = {.prompt = "another",
                                                 .negative = "",
                                                 .guidance_scale = GetParam().guidance_scale},
                                     .steps = 30,
                                     .seed = 6});
  while (!Done(tiled)) loaded_.Step({&other, &tiled});

  EXPECT_THAT(tiled.latents->latents(), TensorNear(alone.latents->latents(), kTolerance));
}

TEST_P(TiledUpscaleTest, HasTheNoiseOfTheWhole) {
  const PipelineRow whole = Begin(/*tile_side=*/0);
  const PipelineRow tiled = Begin(kTileSide);

  EXPECT_TRUE(at::equal(tiled.latents->latents(), whole.latents->latents()));
}

TEST_P(TiledUpscaleOfTrainedModelTest, ShowsWhatItLooksLikeAsAWhole) {
  PipelineRow whole = Begin(/*tile_side=*/0);
  PipelineRow tiled = Begin(kTileSide);
  Step(whole, 1);
  Step(tiled, 2);

  const at::Tensor wanted = loaded_.pipeline().Preview(whole).to(at::kFloat);
  const at::Tensor found = loaded_.pipeline().Preview(tiled).to(at::kFloat);

  ASSERT_EQ(found.sizes(), wanted.sizes());
  EXPECT_LT((found - wanted).abs().mean().item<double>(), 4.0);
}

TEST_P(TiledUpscaleTest, HasSixteenBitsThatRoundToTheEight) {
  PipelineRow row = Begin(kTileSide, /*steps=*/1);
  Step(row, 1);

  const at::Tensor coarse = Decode(row, 8).to(at::kDouble);
  const at::Tensor fine = Decode(row, 16).to(at::kDouble) / 257.0;

  EXPECT_LE((fine - coarse).abs().max().item<double>(), 0.51);
  EXPECT_GT((fine - coarse).abs().mean().item<double>(), 0.1);
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, TiledUpscaleTest,
                         ::testing::Values(Case{kDemo, 1}, Case{kNarrow, 1}, Case{kNarrow, 3}));

INSTANTIATE_TEST_SUITE_P(Checkpoints, TiledUpscaleOfTrainedModelTest,
                         ::testing::Values(Case{kDemo, 1}, Case{kDemo, 3}));

class PictureBitsTest : public ::testing::Test {
 protected:
  c10::InferenceMode inference_;
  LoadedPipeline loaded_{kDemo};
};

TEST_F(PictureBitsTest, ReadsSixteenBitsAsItReadsEight) {
  const at::Tensor pixels = Picture(32, 32);
  const auto latents = [&](at::Tensor of, int tile_side) {
    PipelineRow row =
        loaded_.Begin({.pixels = std::move(of), .prompts = {}, .steps = 1, .tile_side = tile_side});
    while (row.encoding.has_value()) loaded_.pipeline().EncodeTile(row);
    return row.low_resolution;
  };
  const at::Tensor wide = (pixels.to(at::kInt) * 257).to(at::kUInt16);

  EXPECT_THAT(latents(wide, 0), TensorNear(latents(pixels, 0), 1e-5));
  EXPECT_THAT(latents(wide, 16), TensorNear(latents(pixels, 16), 1e-5));
}

TEST_F(PictureBitsTest, KeepsLooksOfLargePicturesSmall) {
  const TilePlan plan(2048, 16, 0, 8);
  const TileMap map(plan, 2, 2);  // A latent for every pixel.
  TiledLatents latents(at::zeros({1, 6, 16, 2048}), map, /*looks=*/true);

  const at::Tensor ones = at::ones({1, 6, 16, 2048});
  latents.Replace(ones, ones);

  EXPECT_EQ(latents.look().sizes(), (at::IntArrayRef{1, 6, 8, 1024}));
}

}  // namespace
}  // namespace upscaler
