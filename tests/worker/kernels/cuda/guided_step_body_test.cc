#include <cstdint>

#include <ATen/Functions.h>
#include <c10/util/Half.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/kernels/cuda/emulated_grid.h"
#include "worker/kernels/cuda/guided_step_sizes.h"
#include "worker/models/sampler/guided_step.h"

namespace upscaler::test {
namespace {

constexpr StepScalars kScalars = {.sigma = 2.26371503F, .next_sigma = 1.6589272F, .guidance = 7.3};

template <typename T>
GuidedStepResult Stepped(const at::Tensor& latents, const at::Tensor& output) {
  GuidedStepResult result{.denoised = at::full(latents.sizes(), 1e4, latents.options()),
                          .next = at::full(latents.sizes(), 1e4, latents.options())};
  const GuidedStepBody<T> body{.sizes = SizesOf(latents, output, kScalars),
                               .latents = latents.const_data_ptr<T>(),
                               .output = output.const_data_ptr<T>(),
                               .denoised = result.denoised.template mutable_data_ptr<T>(),
                               .next = result.next.template mutable_data_ptr<T>()};
  ForEachBlock(GuidedStepGrid(body.sizes), [&](const GridIndex& block) {
    ForEachThread(kGuidedStepThreads, [&](int thread) { body.Compute(block, thread); });
  });
  return result;
}

// Bit for bit: it rounds where the twin does.
template <typename T>
void ExpectTheTwins(std::int64_t passes, std::int64_t height, std::int64_t width) {
  const auto type = c10::CppTypeToScalarType<T>::value;
  const auto latents = (at::randn({1, 4, height, width}) * 5).to(type);
  // As the network gives it: the channels last, and one more of them.
  const auto output = at::randn({passes + 1, 5, height, width})
                          .to(type)
                          .contiguous(at::MemoryFormat::ChannelsLast)
                          .narrow(0, 1, passes)
                          .narrow(1, 0, 4);

  const GuidedStepResult result = Stepped<T>(latents, output);

  const GuidedStepResult wanted = PlainGuidedStep(latents, output, kScalars);
  EXPECT_TRUE(at::equal(result.denoised, wanted.denoised)) << height << "x" << width;
  EXPECT_TRUE(at::equal(result.next, wanted.next)) << height << "x" << width;
}

class GuidedStepBodyTest : public ::testing::TestWithParam<std::int64_t> {
 protected:
  GuidedStepBodyTest() { at::manual_seed(0); }  // LibTorch's own seed is another each time.
};

TEST_P(GuidedStepBodyTest, IsThePlainTwin) {
  ExpectTheTwins<float>(GetParam(), 1, 1);
  ExpectTheTwins<float>(GetParam(), 7, 9);
  ExpectTheTwins<float>(GetParam(), 24, 32);
}

TEST_P(GuidedStepBodyTest, IsThePlainTwinInHalfPrecision) {
  ExpectTheTwins<at::Half>(GetParam(), 7, 9);
  ExpectTheTwins<at::Half>(GetParam(), 24, 32);
}

TEST_P(GuidedStepBodyTest, TakesLatentsThatAreAViewOfLargerOnes) {
  const auto latents = at::randn({1, 4, 20, 30}).narrow(2, 3, 9).narrow(3, 5, 11);
  const auto output = at::randn({GetParam(), 4, 9, 11});

  const GuidedStepResult result = Stepped<float>(latents, output);

  const GuidedStepResult wanted = PlainGuidedStep(latents, output, kScalars);
  EXPECT_TRUE(at::equal(result.denoised, wanted.denoised));
  EXPECT_TRUE(at::equal(result.next, wanted.next));
}

INSTANTIATE_TEST_SUITE_P(Passes, GuidedStepBodyTest, ::testing::Values(1, 2));

}  // namespace
}  // namespace upscaler::test
