#include "worker/kernels/winograd.h"

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/tensor_matchers.h"

namespace upscaler {
namespace {

using test::TensorNear;

struct Shape {
  std::int64_t pictures;
  std::int64_t in;
  std::int64_t out;
  std::int64_t height;
  std::int64_t width;
};

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  return out << shape.pictures << " x " << shape.in << " -> " << shape.out << ", " << shape.height
             << "x" << shape.width;
}

// Sides that tiles fit and that they do not, the smallest ones, channels of whole vectors and
// not, and one with more tiles than are done at once.
const std::vector<Shape> kShapes = {{1, 1, 1, 1, 1},    {1, 3, 2, 4, 4},     {2, 8, 16, 8, 12},
                                    {1, 5, 7, 3, 6},    {3, 16, 8, 5, 9},    {2, 17, 33, 13, 1},
                                    {1, 4, 96, 31, 30}, {2, 64, 48, 16, 16}, {1, 40, 3, 7, 65},
                                    {2, 96, 64, 70, 66}};

class WinogradTest : public ::testing::TestWithParam<const MachineLoops*> {
 protected:
  WinogradTest() {
    at::manual_seed(0);      // LibTorch's own seed is another each time.
    at::set_num_threads(2);  // How many tiles are done at once depends on it.
  }

 private:
  c10::InferenceMode inference_;
};

TEST_P(WinogradTest, IsTheConvolution) {
  for (const Shape& shape : kShapes) {
    const auto features = at::randn({shape.pictures, shape.in, shape.height, shape.width})
                              .contiguous(at::MemoryFormat::ChannelsLast);
    const auto weight = at::randn({shape.out, shape.in, 3, 3}) / (9 * shape.in);
    const auto bias = at::randn({shape.out});

    const auto result =
        WinogradConv3x3(features, TransformConv3x3Weight(weight, *GetParam()), bias, *GetParam());

    const auto wanted = at::conv2d(features.to(at::kDouble), weight.to(at::kDouble),
                                   bias.to(at::kDouble), /*stride=*/1, /*padding=*/1);
    EXPECT_TRUE(result.is_contiguous(at::MemoryFormat::ChannelsLast));
    EXPECT_THAT(result.to(at::kDouble), TensorNear(wanted, 2e-6)) << shape;
  }
}

TEST_P(WinogradTest, GivesTheSameBitsWithAnyNumberOfThreads) {
  const auto features = at::randn({2, 96, 70, 66}).contiguous(at::MemoryFormat::ChannelsLast);
  const auto weight = TransformConv3x3Weight(at::randn({64, 96, 3, 3}), *GetParam());
  const auto bias = at::randn({64});
  at::set_num_threads(1);
  const auto wanted = WinogradConv3x3(features, weight, bias, *GetParam());
  for (const int threads : {2, 3, 5}) {
    at::set_num_threads(threads);
    EXPECT_TRUE(at::equal(WinogradConv3x3(features, weight, bias, *GetParam()), wanted)) << threads;
  }
}

TEST_P(WinogradTest, TakesFeaturesInAnotherLayout) {
  const auto features = at::randn({1, 12, 9, 10});
  const auto weight = TransformConv3x3Weight(at::randn({6, 12, 3, 3}), *GetParam());
  const auto bias = at::zeros({6});

  EXPECT_TRUE(at::equal(WinogradConv3x3(features, weight, bias, *GetParam()),
                        WinogradConv3x3(features.contiguous(at::MemoryFormat::ChannelsLast), weight,
                                        bias, *GetParam())));
}

// A picture's result is its own, whatever is beside it in the batch.
TEST_P(WinogradTest, KeepsPicturesApart) {
  const auto features = at::randn({3, 24, 10, 10});
  const auto weight = TransformConv3x3Weight(at::randn({16, 24, 3, 3}) / 24, *GetParam());
  const auto bias = at::randn({16});

  const auto together = WinogradConv3x3(features, weight, bias, *GetParam());

  for (std::int64_t i = 0; i < 3; ++i) {
    const auto alone = WinogradConv3x3(features.narrow(0, i, 1), weight, bias, *GetParam());
    EXPECT_THAT(together.narrow(0, i, 1), TensorNear(alone, 1e-6)) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Machine, WinogradTest,
                         ::testing::ValuesIn(UsableLoops().begin(), UsableLoops().end()),
                         [](const auto& one) { return std::string(one.param->instructions); });

TEST(PaysWinogradTest, IsNotForSmallOnes) {
  EXPECT_TRUE(PaysWinograd(384, 384, 32, 32));
  EXPECT_TRUE(PaysWinograd(768, 768, 8, 8));
  EXPECT_FALSE(PaysWinograd(768, 768, 4, 4));
  EXPECT_FALSE(PaysWinograd(768, 768, 5, 5));
  EXPECT_FALSE(PaysWinograd(768, 768, 1, 300));
  EXPECT_FALSE(PaysWinograd(128, 3, 512, 512));
}

TEST(WinogradErrorTest, RefusesWhatDoesNotFit) {
  const auto weight = TransformConv3x3Weight(at::randn({6, 12, 3, 3}));

  EXPECT_THROW(WinogradConv3x3(at::randn({1, 11, 4, 4}), weight, at::zeros({6})), c10::Error);
  EXPECT_THROW(WinogradConv3x3(at::randn({1, 12, 4, 4}), weight, at::zeros({500})), c10::Error);
  EXPECT_THROW(WinogradConv3x3(at::randn({1, 12, 4, 4}).to(at::kDouble), weight, at::zeros({6})),
               c10::Error);
  EXPECT_THROW(TransformConv3x3Weight(at::randn({6, 12, 1, 1})), c10::Error);
}

}  // namespace
}  // namespace upscaler
