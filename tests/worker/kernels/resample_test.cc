#include "worker/kernels/resample.h"

#include <cstdint>
#include <vector>

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/tensor_matchers.h"

namespace upscaler {
namespace {

using test::TensorNear;

// The two forms add the same sixteen products in another order.
constexpr double kTolerance = 1e-6;

// Even and odd sides, the least possible ones, and more planes than threads.
const std::vector<std::vector<std::int64_t>> kShapes = {
    {1, 1, 2, 2}, {1, 2, 3, 2}, {2, 1, 2, 5},  {1, 3, 3, 3},    {2, 3, 4, 7},
    {1, 5, 8, 8}, {3, 2, 9, 4}, {1, 7, 5, 33}, {2, 40, 33, 17},
};

at::Tensor ChannelsLast(const at::Tensor& features) {
  return features.contiguous(at::MemoryFormat::ChannelsLast);
}

TEST(ResampleTest, HalvesAsThePlainTwinDoes) {
  for (const auto& shape : kShapes) {
    const auto features = ChannelsLast(at::randn(shape));

    EXPECT_THAT(Downsample2x(features), TensorNear(PlainDownsample2x(features), kTolerance))
        << features.sizes();
  }
}

TEST(ResampleTest, DoublesAsThePlainTwinDoes) {
  for (const auto& shape : kShapes) {
    const auto features = ChannelsLast(at::randn(shape));

    EXPECT_THAT(Upsample2x(features), TensorNear(PlainUpsample2x(features), kTolerance))
        << features.sizes();
  }
}

TEST(ResampleTest, TakesOtherTypesAndLayouts) {
  const auto features = ChannelsLast(at::randn({2, 4, 6, 8}));
  const auto halved = Downsample2x(features);
  const auto doubled = Upsample2x(features);

  const auto contiguous = features.contiguous();
  const auto doubles = features.to(at::kDouble);

  EXPECT_THAT(Downsample2x(contiguous), TensorNear(halved, kTolerance));
  EXPECT_THAT(Upsample2x(contiguous), TensorNear(doubled, kTolerance));
  EXPECT_THAT(Downsample2x(doubles), TensorNear(halved, kTolerance));
  EXPECT_THAT(Upsample2x(doubles), TensorNear(doubled, kTolerance));
}

TEST(ResampleTest, KeepsTheChannelsLast) {
  const auto features = ChannelsLast(at::randn({1, 4, 6, 8}));

  EXPECT_TRUE(Downsample2x(features).is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(Upsample2x(features).is_contiguous(at::MemoryFormat::ChannelsLast));
}

TEST(ResampleTest, LeavesAFlatMapFlat) {
  const auto flat = ChannelsLast(at::full({1, 2, 6, 4}, 3.25));

  EXPECT_THAT(Downsample2x(flat), TensorNear(at::full({1, 2, 3, 2}, 3.25), kTolerance));
  EXPECT_THAT(Upsample2x(flat), TensorNear(at::full({1, 2, 12, 8}, 3.25), kTolerance));
}

TEST(ResampleTest, ReflectsTheMapAtItsBorder) {
  // Rows are alike, so only the weights along a row count.
  const auto row = at::tensor({1.0F, 3.0F, 7.0F, 5.0F});
  const auto features = row.expand({1, 1, 4, 4}).contiguous();

  const auto halved = Downsample2x(features);
  const auto doubled = Upsample2x(features);

  // (3 + 3 * 1 + 3 * 3 + 7) / 8 and (3 + 3 * 7 + 3 * 5 + 7) / 8
  EXPECT_THAT(halved.select(2, 0).flatten(), TensorNear(at::tensor({2.75F, 5.75F}), kTolerance));
  EXPECT_THAT(doubled.select(2, 0).flatten(),
              TensorNear(at::tensor({1.5F, 1.5F, 2.5F, 4.0F, 6.0F, 6.5F, 5.5F, 5.5F}), kTolerance));
}

TEST(ResampleTest, RefusesAMapThatIsTooSmallToReflect) {
  EXPECT_THROW(Downsample2x(at::randn({1, 1, 1, 4})), c10::Error);
  EXPECT_THROW(Upsample2x(at::randn({1, 1, 4, 1})), c10::Error);
}

}  // namespace
}  // namespace upscaler
