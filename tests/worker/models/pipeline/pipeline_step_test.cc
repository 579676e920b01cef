// What a step promises beyond its numbers: it moves all rows or none, and says whose
// latents are not finite.

#include <cstdint>
#include <limits>
#include <string>

#include <ATen/Functions.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/models/pipeline/loaded_pipeline.h"
#include "worker/models/pipeline/pipeline.h"
#include "worker/models/sampler/noise_source.h"

namespace upscaler {
namespace {

using test::kDemo;
using test::LoadedPipeline;
using ::testing::ElementsAre;

class PipelineStepTest : public ::testing::Test {
 protected:
  static PipelineRequest Request(const std::string& prompt, std::uint64_t seed,
                                 double guidance_scale = 3, std::int64_t side = 32) {
    return {.pixels = at::full({side, side, 3}, 100, at::kByte),
            .prompts = {.prompt = prompt, .negative = "", .guidance_scale = guidance_scale},
            .steps = 4,
            .seed = seed};
  }

  c10::InferenceMode inference_;
  LoadedPipeline loaded_{kDemo};
};

TEST_F(PipelineStepTest, KeepsABatchsConditionsWithoutChangingANumber) {
  PipelineRow first = loaded_.Begin(Request("a cat", 1));
  PipelineRow second = loaded_.Begin(Request("a dog", 2));
  PipelineRow first_again = loaded_.Begin(Request("a cat", 1));
  PipelineRow second_again = loaded_.Begin(Request("a dog", 2));

  for (int step = 0; step < 4; ++step) {
    loaded_.Step({&first, &second});
    LoadedPipeline fresh(kDemo);  // With conditions that know nothing of a step before.
    fresh.Step({&first_again, &second_again});
  }

  EXPECT_TRUE(at::equal(first.latents->latents(), first_again.latents->latents()));
  EXPECT_TRUE(at::equal(second.latents->latents(), second_again.latents->latents()));
}

TEST_F(PipelineStepTest, LeavesAllRowsAsTheyWereIfItThrows) {
  PipelineRow small = loaded_.Begin(Request("a cat", 1, /*guidance_scale=*/3, /*side=*/32));
  PipelineRow large = loaded_.Begin(Request("a dog", 2, /*guidance_scale=*/3, /*side=*/48));
  loaded_.Step({&small});
  const at::Tensor small_before = small.latents->latents().clone();
  const at::Tensor large_before = large.latents->latents().clone();

  EXPECT_ANY_THROW(loaded_.Step({&small, &large}));

  EXPECT_EQ(small.step, 1);
  EXPECT_EQ(large.step, 0);
  EXPECT_TRUE(at::equal(small.latents->latents(), small_before));
  EXPECT_TRUE(at::equal(large.latents->latents(), large_before));
}

TEST_F(PipelineStepTest, SaysWhoseLatentsAreNotFiniteAndLeavesTheOthersAlone) {
  PipelineRow sound = loaded_.Begin(Request("a cat", 1));
  PipelineRow lost = loaded_.Begin(Request("a dog", 2, std::numeric_limits<double>::infinity()));
  PipelineRow last = loaded_.Begin(Request("a bird", 3));

  const std::vector<bool> finite = loaded_.Step({&sound, &lost, &last});

  EXPECT_THAT(finite, ElementsAre(true, false, true));
  EXPECT_EQ(lost.step, 1);
  EXPECT_THAT(loaded_.Step({&sound, &last}), ElementsAre(true, true));
}

TEST_F(PipelineStepTest, RefusesToDecodeWhatIsNotFinite) {
  PipelineRow row = loaded_.Begin(Request("a cat", 1));
  row.latents->latents().flatten()[7] = std::numeric_limits<float>::quiet_NaN();

  EXPECT_ANY_THROW(loaded_.pipeline().Decode(row.latents->latents()));
}

TEST_F(PipelineStepTest, TakesLatentsAsTheyAreAndDrawsTheNoiseAlone) {
  PipelineRequest request = Request("a cat", /*seed=*/7);
  const std::int64_t channels = loaded_.checkpoint().vae_config.latent_channels;
  request.pixels = at::Tensor();
  request.latents = at::arange(channels * 16 * 16, at::kFloat).reshape({1, channels, 16, 16});

  const PipelineRow row = loaded_.Begin(request);

  // As the reference does: the first numbers of the seed are the noise, where a picture's
  // encoder would have had them.
  const at::Tensor noise = NoiseSource(7).Draw({1, channels, 32, 32}, at::kFloat);
  EXPECT_TRUE(at::equal(row.latents->latents(), noise * row.sigmas.front()));
  EXPECT_TRUE(at::equal(row.low_resolution, request.latents));
}

}  // namespace
}  // namespace upscaler
