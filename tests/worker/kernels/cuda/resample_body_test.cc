#include "worker/kernels/cuda/resample_body.h"

#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <ATen/Functions.h>
#include <c10/util/Half.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/tensor_matchers.h"
#include "tests/worker/kernels/cuda/emulated_grid.h"
#include "worker/kernels/resample.h"

namespace upscaler::test {
namespace {

// The two forms add the same sixteen products in another order.
constexpr double kTolerance = 1e-6;
// Half a unit in the last place of a half between 4 and 8.
constexpr double kHalfTolerance = 2e-3;

// Even and odd sides, the least possible ones, and rows of more than a block.
const std::vector<std::vector<std::int64_t>> kShapes = {
    {1, 1, 2, 2}, {1, 2, 3, 2}, {2, 1, 2, 5},  {1, 3, 3, 3},    {2, 8, 4, 7},
    {1, 5, 8, 8}, {3, 2, 9, 4}, {1, 7, 5, 33}, {2, 40, 33, 17}, {1, 384, 4, 6},
};

at::Tensor ChannelsLast(const at::Tensor& features) {
  return features.contiguous(at::MemoryFormat::ChannelsLast);
}

template <template <typename, int> typename Body, typename T, int kWidth>
at::Tensor Resampled(const at::Tensor& features) {
  Body<T, kWidth> body{.sizes = {.pictures = static_cast<int>(features.size(0)),
                                 .height = static_cast<int>(features.size(2)),
                                 .width = static_cast<int>(features.size(3)),
                                 .channels = static_cast<int>(features.size(1))},
                       .features = features.const_data_ptr<T>(),
                       .results = nullptr};
  const auto results = at::full({features.size(0), features.size(1), body.height(), body.width()},
                                std::numeric_limits<float>::quiet_NaN(), features.options())
                           .contiguous(at::MemoryFormat::ChannelsLast);
  body.results = results.template mutable_data_ptr<T>();
  ForEachBlock(ResampleGrid<kWidth>(body.sizes, body.height(), body.width()),
               [&](const GridIndex& block) {
                 ForEachThread(kResampleThreads, [&](int thread) { body.Compute(block, thread); });
               });
  return results;
}

template <typename T, int kWidth>
void Compare(at::IntArrayRef shape, double tolerance) {
  if (shape[1] % kWidth != 0) return;
  const auto features = ChannelsLast(at::randn(shape).to(c10::CppTypeToScalarType<T>::value));
  const auto exact = features.to(at::kFloat);

  EXPECT_THAT((Resampled<Halving, T, kWidth>(features).to(at::kFloat)),
              TensorNear(PlainDownsample2x(exact), tolerance))
      << shape << ", " << kWidth << " at once";
  EXPECT_THAT((Resampled<Doubling, T, kWidth>(features).to(at::kFloat)),
              TensorNear(PlainUpsample2x(exact), tolerance))
      << shape << ", " << kWidth << " at once";
}

class ResampleBodyTest : public ::testing::Test {
 protected:
  ResampleBodyTest() { at::manual_seed(0); }  // LibTorch's own seed is another each time.
};

TEST_F(ResampleBodyTest, IsAsThePlainTwins) {
  for (const auto& shape : kShapes) {
    Compare<float, 1>(shape, kTolerance);
    Compare<float, 4>(shape, kTolerance);
  }
}

TEST_F(ResampleBodyTest, IsAsThePlainTwinsInHalfPrecision) {
  for (const auto& shape : kShapes) {
    Compare<at::Half, 1>(shape, kHalfTolerance);
    Compare<at::Half, 8>(shape, kHalfTolerance);
  }
}

TEST_F(ResampleBodyTest, IsAsThePlainTwinsForAnyShape) {
  std::mt19937 random(0);  // NOLINT(cert-msc*): the same shapes each time.
  const auto any = [&](int least, int most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(random);
  };
  for (int i = 0; i < 20; ++i) {
    Compare<float, 1>({any(1, 3), any(1, 30), any(2, 20), any(2, 20)}, kTolerance);
  }
}

}  // namespace
}  // namespace upscaler::test
