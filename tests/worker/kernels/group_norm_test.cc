#include "worker/kernels/group_norm.h"

#include <cstdint>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include <ATen/Functions.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/tensor_matchers.h"

namespace upscaler {
namespace {

using test::TensorNear;

constexpr double kEps = 1e-5;
// Results are of order 1, as are the activations' errors of rounding.
constexpr double kTolerance = 3e-6;

struct Shape {
  std::int64_t pictures;
  std::int64_t channels;
  std::int64_t groups;
  std::int64_t height;
  std::int64_t width;
};

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  return out << shape.pictures << " x " << shape.channels << " in " << shape.groups << ", "
             << shape.height << "x" << shape.width;
}

const std::vector<Shape> kShapes = {{1, 1, 1, 1, 2},   {1, 4, 2, 3, 3},    {2, 32, 8, 8, 8},
                                    {1, 17, 17, 5, 4}, {2, 48, 3, 31, 30}, {3, 96, 12, 1, 70},
                                    {1, 8, 1, 64, 65}};

at::Tensor ChannelsLast(const at::Tensor& features) {
  return features.contiguous(at::MemoryFormat::ChannelsLast);
}

// LibTorch's own seed is another each time.
constexpr std::uint64_t kSeed = 0;

class GroupNormTest : public ::testing::TestWithParam<const MachineLoops*> {
 protected:
  GroupNormTest() { at::manual_seed(kSeed); }

  static at::Tensor Fast(const at::Tensor& features, std::int64_t groups, const at::Tensor& scale,
                         const at::Tensor& shift, Activation activation) {
    return CpuGroupNormActivation(features, groups, kEps, scale, shift, activation, *GetParam());
  }

 private:
  c10::InferenceMode inference_;
};

TEST_P(GroupNormTest, IsAsThePlainTwin) {
  for (const Shape& shape : kShapes) {
    const auto features = ChannelsLast(
        at::randn({shape.pictures, shape.channels, shape.height, shape.width}) * 3 + 1);
    for (const std::int64_t rows : {std::int64_t{1}, shape.pictures}) {
      const auto scale = at::randn({rows, shape.channels});
      const auto shift = at::randn({rows, shape.channels});
      for (const auto activation : {Activation::kNone, Activation::kGelu, Activation::kSilu}) {
        const auto result = Fast(features, shape.groups, scale, shift, activation);

        const auto wanted =
            PlainGroupNormActivation(features.to(at::kDouble), shape.groups, kEps,
                                     scale.to(at::kDouble), shift.to(at::kDouble), activation);
        EXPECT_THAT(result.to(at::kDouble), TensorNear(wanted, kTolerance))
            << shape << ", activation " << static_cast<int>(activation);
      }
    }
  }
}

// The whole range of what an activation takes.
TEST_P(GroupNormTest, ActivatesSmallAndLargeNumbers) {
  const auto features = ChannelsLast(at::randn({1, 2, 40, 50}));
  const auto scale = at::full({1, 2}, 12.0);
  const auto shift = at::zeros({1, 2});
  for (const auto activation : {Activation::kGelu, Activation::kSilu}) {
    const auto wanted =
        PlainGroupNormActivation(features.to(at::kDouble), 1, kEps, scale.to(at::kDouble),
                                 shift.to(at::kDouble), activation);

    EXPECT_THAT(Fast(features, 1, scale, shift, activation).to(at::kDouble),
                TensorNear(wanted, 4e-5));
  }
}

// Where all numbers are far from zero, their squares are much larger than their variance.
TEST_P(GroupNormTest, NormalizesWhatIsFarFromZero) {
  const auto features = ChannelsLast(at::randn({1, 8, 33, 40}) + 1000);
  const auto scale = at::ones({1, 8});
  const auto shift = at::zeros({1, 8});

  const auto wanted =
      PlainGroupNormActivation(features.to(at::kDouble), 2, kEps, scale.to(at::kDouble),
                               shift.to(at::kDouble), Activation::kNone);
  EXPECT_THAT(Fast(features, 2, scale, shift, Activation::kNone).to(at::kDouble),
              TensorNear(wanted, 3e-4));
}

TEST_P(GroupNormTest, HidesNoNumberThatIsNotFinite) {
  auto features = ChannelsLast(at::randn({1, 8, 4, 4}));
  features[0][3][2][1] = std::numeric_limits<float>::quiet_NaN();

  for (const auto activation : {Activation::kNone, Activation::kGelu, Activation::kSilu}) {
    const auto result = Fast(features, 1, at::ones({1, 8}), at::zeros({1, 8}), activation);
    EXPECT_TRUE(at::isnan(result).all().item<bool>());
  }
}

INSTANTIATE_TEST_SUITE_P(Machine, GroupNormTest,
                         ::testing::ValuesIn(UsableLoops().begin(), UsableLoops().end()),
                         [](const auto& one) { return std::string(one.param->instructions); });

TEST(GroupNormOperatorTest, TakesEveryTypeAndLayout) {
  at::manual_seed(kSeed);
  const auto features = ChannelsLast(at::randn({2, 6, 5, 4}));
  const auto scale = at::randn({2, 6});
  const auto shift = at::randn({2, 6});
  const auto wanted = GroupNormActivation(features, 3, kEps, scale, shift, Activation::kGelu);

  EXPECT_THAT(GroupNormActivation(features.contiguous(), 3, kEps, scale, shift, Activation::kGelu),
              TensorNear(wanted, kTolerance));
  EXPECT_THAT(GroupNormActivation(features.to(at::kDouble), 3, kEps, scale.to(at::kDouble),
                                  shift.to(at::kDouble), Activation::kGelu)
                  .to(at::kFloat),
              TensorNear(wanted, kTolerance));
}

TEST(GroupNormOperatorTest, RefusesWhatDoesNotFit) {
  const auto features = at::randn({2, 6, 5, 4});
  const auto norm = [&](std::int64_t groups, const at::Tensor& scale, const at::Tensor& shift) {
    return GroupNormActivation(features, groups, kEps, scale, shift, Activation::kNone);
  };

  EXPECT_THROW(norm(4, at::ones({1, 6}), at::zeros({1, 6})), c10::Error);
  EXPECT_THROW(norm(3, at::ones({1, 5}), at::zeros({1, 5})), c10::Error);
  EXPECT_THROW(norm(3, at::ones({3, 6}), at::zeros({3, 6})), c10::Error);
  EXPECT_THROW(norm(3, at::ones({1, 6}), at::zeros({2, 6})), c10::Error);
}

}  // namespace
}  // namespace upscaler
