// A whole upscale against the reference: from prompts and picture through every
// step to the pixels, nothing fed in on the way.

#include <algorithm>
#include <cstdint>
#include <ostream>
#include <string>

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/golden.h"
#include "tests/support/tensor_matchers.h"
#include "tests/worker/models/pipeline/loaded_pipeline.h"
#include "worker/models/pipeline/pipeline.h"

namespace upscaler {
namespace {

using test::Golden;
using test::kDemo;
using test::kNarrow;
using test::LoadedPipeline;
using test::TensorNear;

// What two correct float32 computations on a CPU may differ by, at values of order
// 1; docs/parity.md has what was measured.
constexpr double kTolerance = 2e-5;

// In levels of 255: a value between two of them may be rounded either way.
constexpr double kImageTolerance = 1;

struct Case {
  const char* checkpoint;  // From the root of the repository.
  const char* golden;
  const char* picture;  // A golden that has the picture: some leave it out.
};

std::ostream& operator<<(std::ostream& out, const Case& upscale) { return out << upscale.golden; }

constexpr Case kDemoShort{kDemo, "demo_coffee_96x64_g1", "demo_coffee_96x64_g1"};
constexpr Case kDemoGuided{kDemo, "demo_astronaut_128x96_g8", "narrow_astronaut_128x96_g8"};
constexpr Case kNarrowUnguided{kNarrow, "narrow_coffee_96x64_g0", "narrow_coffee_96x64_g0"};
constexpr Case kNarrowPlain{kNarrow, "narrow_astronaut_128x96_g1", "narrow_astronaut_128x96_g1"};
constexpr Case kNarrowGuided{kNarrow, "narrow_astronaut_128x96_g8", "narrow_astronaut_128x96_g8"};

// The picture as the network saw it, [1, 3, H, W] in [-1, 1] -> [H, W, 3] of uint8
at::Tensor ToBytes(const at::Tensor& pixels) {
  return ((pixels[0] + 1) / 2 * 255).round().to(at::kByte).permute({1, 2, 0}).contiguous();
}

PipelineRequest RequestOf(const Case& upscale) {
  const Golden golden(upscale.golden);
  return {.pixels = ToBytes(Golden(upscale.picture).Tensor("vae.pixels")),
          .prompts = {.prompt = golden.Setting("prompt"),
                      .negative = golden.Setting("negative_prompt"),
                      .guidance_scale = std::stod(golden.Setting("guidance_scale"))},
          .steps = std::stoll(golden.Setting("steps")),
          .seed = std::stoull(golden.Setting("seed"))};
}

// `kTolerance`, grown with values that are larger than 1 as float's spacing is.
double ToleranceFor(const at::Tensor& reference) {
  return kTolerance * std::max(1.0, reference.abs().max().item<double>());
}

class PipelineGoldenTest : public ::testing::TestWithParam<Case> {
 protected:
  c10::InferenceMode inference_;
  const Golden golden_{GetParam().golden};
};

TEST_P(PipelineGoldenTest, GivesTheReferencesLatentsAndPicture) {
  LoadedPipeline loaded(GetParam().checkpoint);
  const PipelineRequest request = RequestOf(GetParam());

  PipelineRow row = loaded.Begin(request);
  for (std::int64_t step = 0; step < request.steps; ++step) {
    loaded.Step({&row});
    const std::string name = fmt::format("step.{}.latents", step);
    if (!golden_.Has(name)) continue;  // The large ones keep a few steps only.
    const at::Tensor& reference = golden_.Tensor(name);
    EXPECT_THAT(row.latents->latents(), TensorNear(reference, ToleranceFor(reference))) << name;
  }

  const at::Tensor image = loaded.pipeline().Decode(row.latents->latents()).to(at::kDouble);
  EXPECT_THAT(image, TensorNear(golden_.Tensor("image").to(at::kDouble), kImageTolerance));
}

INSTANTIATE_TEST_SUITE_P(Goldens, PipelineGoldenTest,
                         ::testing::Values(kDemoShort, kDemoGuided, kNarrowUnguided, kNarrowPlain,
                                           kNarrowGuided));

TEST(PipelineBatchTest, GivesTheReferencesLatentsToRowsThatJoinLate) {
  const c10::InferenceMode inference;
  const Golden golden(kNarrowGuided.golden);
  LoadedPipeline loaded(kNarrowGuided.checkpoint);
  const PipelineRequest request = RequestOf(kNarrowGuided);
  PipelineRequest other = request;
  other.prompts.prompt = "something else";
  other.seed = request.seed + 1;
  PipelineRow early = loaded.Begin(other);
  PipelineRow late = loaded.Begin(request);
  loaded.Step({&early});

  loaded.Step({&early, &late});
  loaded.Step({&early, &late});

  const at::Tensor& reference = golden.Tensor("step.1.latents");
  EXPECT_THAT(late.latents->latents(), TensorNear(reference, ToleranceFor(reference)));
}

}  // namespace
}  // namespace upscaler
