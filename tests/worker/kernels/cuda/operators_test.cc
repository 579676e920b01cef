// The operators on a CUDA device, each beside its plain twin there.

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include <ATen/Functions.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/tensor_matchers.h"
#include "tests/worker/kernels/cuda/cuda_library.h"
#include "worker/kernels/group_norm.h"
#include "worker/kernels/resample.h"
#include "worker/models/sampler/guided_step.h"

namespace upscaler::test {
namespace {

constexpr double kEps = 1e-5;

// It needs no device.
TEST(CudaLibraryTest, HasEveryOperator) {
  const std::string why = WhyNoCudaKernels();
  if (!why.empty()) GTEST_SKIP() << why;

  for (const char* name : {"upscaler::group_norm_activation", "upscaler::downsample2x",
                           "upscaler::upsample2x", "upscaler::guided_step"}) {
    EXPECT_TRUE(c10::Dispatcher::singleton().findSchemaOrThrow(name, "").hasKernelForDispatchKey(
        c10::DispatchKey::CUDA))
        << name;
  }
}

// A type and how far results of up to 30 may be off in it: some roundings of float, and one of the
// others.
struct Precision {
  at::ScalarType type;
  double tolerance;
};

std::ostream& operator<<(std::ostream& out, const Precision& precision) {
  return out << c10::toString(precision.type);
}

class CudaOperatorsTest : public ::testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    const std::string why = WhyNoCudaDevice();
    if (!why.empty()) GTEST_SKIP() << why;
    at::manual_seed(0);  // LibTorch's own seed is another each time.
  }

  // Drawn on the host, where the same seed gives the same numbers as anywhere.
  static at::Tensor Random(at::IntArrayRef shape) {
    return at::randn(shape).to(at::kCUDA, GetParam().type);
  }

  static at::Tensor Features(at::IntArrayRef shape) {
    return Random(shape).contiguous(at::MemoryFormat::ChannelsLast);
  }

 private:
  c10::InferenceMode inference_;
};

TEST_P(CudaOperatorsTest, NormalizeAsThePlainTwin) {
  // Pictures, channels, groups, height, width.
  const std::vector<std::vector<std::int64_t>> shapes = {
      {1, 1, 1, 1, 2},      {2, 17, 17, 5, 4},    {2, 48, 3, 31, 30},    {3, 96, 12, 1, 70},
      {2, 384, 12, 64, 64}, {1, 768, 24, 33, 17}, {2, 128, 32, 200, 301}};
  for (const auto& shape : shapes) {
    const auto features = Features({shape[0], shape[1], shape[3], shape[4]}) * 3 + 1;
    for (const std::int64_t rows : {std::int64_t{1}, shape[0]}) {
      const auto table = Random({rows, 3 * shape[1]});
      const auto scale = table.narrow(1, 0, shape[1]);
      const auto shift = table.narrow(1, shape[1], shape[1]);
      for (const auto activation : {Activation::kNone, Activation::kGelu, Activation::kSilu}) {
        const auto result = GroupNormActivation(features, shape[2], kEps, scale, shift, activation);

        const auto wanted =
            PlainGroupNormActivation(features.to(at::kDouble), shape[2], kEps,
                                     scale.to(at::kDouble), shift.to(at::kDouble), activation);
        EXPECT_TRUE(result.is_contiguous(at::MemoryFormat::ChannelsLast));
        EXPECT_EQ(result.scalar_type(), GetParam().type);
        EXPECT_THAT(result.to(at::kDouble), TensorNear(wanted, GetParam().tolerance))
            << features.sizes() << " in " << shape[2] << ", activation "
            << static_cast<int>(activation);
      }
    }
  }
}

TEST_P(CudaOperatorsTest, NormalizeOtherLayoutsAsThePlainTwin) {
  const auto features = Random({2, 32, 9, 11});
  const auto scale = Random({1, 32});
  const auto shift = Random({1, 32});

  EXPECT_TRUE(
      at::equal(GroupNormActivation(features, 4, kEps, scale, shift, Activation::kGelu),
                PlainGroupNormActivation(features, 4, kEps, scale, shift, Activation::kGelu)));
}

TEST_P(CudaOperatorsTest, ResampleAsThePlainTwins) {
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{1, 1, 2, 2}, {2, 3, 4, 7}, {1, 7, 5, 33}, {2, 384, 64, 96}}) {
    const auto features = Features(shape);
    // In float the device would convolve in TF32.
    const auto exact = features.to(at::kDouble);

    const auto halved = Downsample2x(features);
    const auto doubled = Upsample2x(features);

    EXPECT_TRUE(halved.is_contiguous(at::MemoryFormat::ChannelsLast));
    EXPECT_TRUE(doubled.is_contiguous(at::MemoryFormat::ChannelsLast));
    EXPECT_THAT(halved.to(at::kDouble), TensorNear(PlainDownsample2x(exact), GetParam().tolerance))
        << features.sizes();
    EXPECT_THAT(doubled.to(at::kDouble), TensorNear(PlainUpsample2x(exact), GetParam().tolerance))
        << features.sizes();
  }
}

TEST_P(CudaOperatorsTest, StepAsThePlainTwin) {
  const StepScalars scalars = {.sigma = 2.26371503F, .next_sigma = 1.6589272F, .guidance = 7.3};
  for (const std::int64_t passes : {1, 2}) {
    const auto latents = Random({1, 4, 96, 65});
    const auto output = Features({3, 5, 96, 65}).narrow(0, 1, passes).narrow(1, 0, 4);

    const GuidedStepResult result = GuidedStep(latents, output, scalars);

    const GuidedStepResult wanted = PlainGuidedStep(latents, output, scalars);
    EXPECT_THAT(result.denoised.to(at::kFloat),
                TensorNear(wanted.denoised.to(at::kFloat), GetParam().tolerance));
    EXPECT_THAT(result.next.to(at::kFloat),
                TensorNear(wanted.next.to(at::kFloat), GetParam().tolerance));
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, CudaOperatorsTest,
                         ::testing::Values(Precision{at::kFloat, 1e-5}, Precision{at::kHalf, 2e-2},
                                           Precision{at::kBFloat16, 0.15}),
                         [](const auto& one) {
                           return std::string(c10::toString(one.param.type));
                         });

}  // namespace
}  // namespace upscaler::test
