#include "worker/kernels/cuda/norm_body.h"

#include <cstdint>
#include <limits>
#include <ostream>
#include <random>
#include <vector>

#include <ATen/Functions.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Half.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/tensor_matchers.h"
#include "tests/worker/kernels/cuda/emulated_grid.h"
#include "worker/kernels/cuda/norm_plan.h"
#include "worker/kernels/group_norm.h"

namespace upscaler::test {
namespace {

constexpr double kEps = 1e-5;
// Some roundings of float, of results of up to 10 and of the sums behind them.
constexpr double kTolerance = 1e-5;
// Half a unit in the last place of a half between 8 and 16, the largest results there are.
constexpr double kHalfTolerance = 4e-3;

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

// The least sizes, groups of one channel and of all, more vectors of channels than a block has
// lanes, and more pixels than fit in one chunk.
const std::vector<Shape> kShapes = {
    {1, 1, 1, 1, 2},    {1, 4, 2, 3, 3},    {2, 32, 8, 8, 8},  {1, 17, 17, 5, 4},
    {2, 48, 3, 31, 30}, {3, 96, 12, 1, 70}, {1, 8, 1, 64, 65}, {2, 384, 12, 9, 7},
    {1, 640, 5, 3, 11}, {1, 264, 1, 4, 4},
};

// As group_norm.cu starts the kernels.
template <typename T, int kWidth, Activation kActivation>
void RunKernels(const NormPlan& plan, const at::Tensor& features, const at::Tensor& scale,
                const at::Tensor& shift, const at::Tensor& results) {
  const auto row = [](const at::Tensor& rows) { return rows.size(0) == 1 ? 0 : rows.stride(0); };
  const at::Tensor moments = at::empty({plan.MomentsSize()}, at::kFloat);
  const at::Tensor affine = at::empty({plan.AffineSize()}, at::kFloat);
  const T* const numbers = features.const_data_ptr<T>();

  const NormMeasure<T, kWidth> measure{plan, numbers, moments.mutable_data_ptr<float>()};
  ForEachBlock(plan.MeasureGrid(), [&](const GridIndex& block) {
    auto shared = SharedMemory<float>(measure.kShared);
    ForEachThread(kNormThreads, [&](int thread) { measure.Add(block, thread, shared.data()); });
    ForEachThread(kNormThreads, [&](int thread) { measure.Write(block, thread, shared.data()); });
  });

  const NormSettle<T> settle{.plan = plan,
                             .features = numbers,
                             .moments = moments.const_data_ptr<float>(),
                             .scale = scale.const_data_ptr<T>(),
                             .shift = shift.const_data_ptr<T>(),
                             .scale_row = row(scale),
                             .shift_row = row(shift),
                             .eps = kEps,
                             .affine = affine.mutable_data_ptr<float>()};
  ForEachBlock(plan.SettleGrid(), [&](const GridIndex& block) {
    auto shared = SharedMemory<double>(settle.kShared);
    ForEachThread(kSettleThreads, [&](int thread) { settle.Add(block, thread, shared.data()); });
    for (int half = kSettleThreads / 2; half > 0; half /= 2) {
      ForEachThread(kSettleThreads, [&](int thread) { settle.Fold(half, thread, shared.data()); });
    }
    ForEachThread(kSettleThreads, [&](int thread) { settle.Write(block, thread, shared.data()); });
  });

  const NormApply<T, kWidth, kActivation> apply{plan, numbers, affine.const_data_ptr<float>(),
                                                results.mutable_data_ptr<T>()};
  ForEachBlock(plan.ApplyGrid(), [&](const GridIndex& block) {
    ForEachThread(kNormThreads, [&](int thread) { apply.Apply(block, thread); });
  });
}

template <typename T, int kWidth>
at::Tensor Normalized(const at::Tensor& features, std::int64_t groups, const at::Tensor& scale,
                      const at::Tensor& shift, Activation activation) {
  const NormSizes sizes{.pictures = features.size(0),
                        .pixels = features.size(2) * features.size(3),
                        .channels = features.size(1),
                        .groups = groups,
                        .width = kWidth};
  EXPECT_TRUE(HasNormPlan(sizes));
  const NormPlan plan = PlanNorm(sizes);
  const at::Tensor results = at::full_like(features, std::numeric_limits<float>::quiet_NaN());
  switch (activation) {
    case Activation::kGelu:
      RunKernels<T, kWidth, Activation::kGelu>(plan, features, scale, shift, results);
      break;
    case Activation::kSilu:
      RunKernels<T, kWidth, Activation::kSilu>(plan, features, scale, shift, results);
      break;
    case Activation::kNone:
      RunKernels<T, kWidth, Activation::kNone>(plan, features, scale, shift, results);
      break;
  }
  return results;
}

at::Tensor ChannelsLast(const at::Tensor& features) {
  return features.contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor Wanted(const at::Tensor& features, std::int64_t groups, const at::Tensor& scale,
                  const at::Tensor& shift, Activation activation) {
  return PlainGroupNormActivation(features.to(at::kDouble), groups, kEps, scale.to(at::kDouble),
                                  shift.to(at::kDouble), activation);
}

class NormBodyTest : public ::testing::Test {
 protected:
  NormBodyTest() { at::manual_seed(0); }  // LibTorch's own seed is another each time.

  // Compares with the plain twin, for every activation and for scales a picture and in common.
  template <typename T, int kWidth>
  static void Compare(const Shape& shape, double tolerance) {
    const auto type = c10::CppTypeToScalarType<T>::value;
    const auto features = ChannelsLast(
        (at::randn({shape.pictures, shape.channels, shape.height, shape.width}) * 3 + 1).to(type));
    for (const std::int64_t rows : {std::int64_t{1}, shape.pictures}) {
      const auto scale = at::randn({rows, shape.channels}).to(type);
      const auto shift = at::randn({rows, shape.channels}).to(type);
      for (const auto activation : {Activation::kNone, Activation::kGelu, Activation::kSilu}) {
        const auto result = Normalized<T, kWidth>(features, shape.groups, scale, shift, activation);

        EXPECT_THAT(result.to(at::kDouble),
                    TensorNear(Wanted(features, shape.groups, scale, shift, activation), tolerance))
            << shape << ", activation " << static_cast<int>(activation) << ", " << kWidth
            << " at once";
      }
    }
  }

 private:
  c10::InferenceMode inference_;
};

TEST_F(NormBodyTest, IsAsThePlainTwin) {
  for (const Shape& shape : kShapes) {
    Compare<float, 1>(shape, kTolerance);
    if (shape.channels % 4 == 0) Compare<float, 4>(shape, kTolerance);
  }
}

TEST_F(NormBodyTest, IsAsThePlainTwinInHalfPrecision) {
  for (const Shape& shape : kShapes) {
    Compare<at::Half, 1>(shape, kHalfTolerance);
    if (shape.channels % 8 == 0) Compare<at::Half, 8>(shape, kHalfTolerance);
  }
}

TEST_F(NormBodyTest, IsAsThePlainTwinForAnyShape) {
  std::mt19937 random(0);  // NOLINT(cert-msc*): the same shapes each time.
  const auto any = [&](int most) { return std::uniform_int_distribution<int>(1, most)(random); };
  for (int i = 0; i < 20; ++i) {
    const std::int64_t groups = any(6);
    const Shape shape{any(3), groups * any(40), groups, any(24), 1 + any(23)};
    Compare<float, 1>(shape, kTolerance);
  }
}

// Scales and shifts may be columns of a wider table.
TEST_F(NormBodyTest, TakesRowsThatAreApart) {
  const auto features = ChannelsLast(at::randn({3, 8, 5, 6}));
  const auto table = at::randn({3, 50});
  const auto scale = table.narrow(1, 3, 8);
  const auto shift = table.narrow(1, 31, 8);

  const auto result = Normalized<float, 4>(features, 2, scale, shift, Activation::kGelu);

  EXPECT_THAT(result.to(at::kDouble),
              TensorNear(Wanted(features, 2, scale, shift, Activation::kGelu), kTolerance));
}

// A picture's result is its own, whatever is beside it in the batch.
TEST_F(NormBodyTest, KeepsPicturesApart) {
  const auto features = ChannelsLast(at::randn({3, 16, 40, 41}));
  const auto scale = at::randn({3, 16});
  const auto shift = at::randn({3, 16});
  const auto of = [&](std::int64_t first, std::int64_t count) {
    return Normalized<float, 4>(features.narrow(0, first, count), 4, scale.narrow(0, first, count),
                                shift.narrow(0, first, count), Activation::kSilu);
  };

  const auto together = of(0, 3);

  for (const std::int64_t i : {0, 1, 2}) {
    EXPECT_TRUE(at::equal(together.narrow(0, i, 1), of(i, 1))) << i;
  }
}

// Where all numbers are far from zero, their squares are much larger than their variance.
TEST_F(NormBodyTest, NormalizesWhatIsFarFromZero) {
  const auto features = ChannelsLast(at::randn({1, 8, 33, 40}) + 1000);
  const auto scale = at::ones({1, 8});
  const auto shift = at::zeros({1, 8});

  const auto result = Normalized<float, 4>(features, 2, scale, shift, Activation::kNone);

  EXPECT_THAT(result.to(at::kDouble),
              TensorNear(Wanted(features, 2, scale, shift, Activation::kNone), 3e-4));
}

TEST_F(NormBodyTest, NormalizesAFlatPicture) {
  const auto features = ChannelsLast(at::full({1, 8, 4, 4}, 2.5F));

  const auto result =
      Normalized<float, 4>(features, 2, at::ones({1, 8}), at::zeros({1, 8}), Activation::kNone);

  EXPECT_THAT(result, TensorNear(at::zeros({1, 8, 4, 4}), 0.0));
}

TEST_F(NormBodyTest, HidesNoNumberThatIsNotFinite) {
  auto features = ChannelsLast(at::randn({1, 8, 4, 4}));
  features[0][3][2][1] = std::numeric_limits<float>::quiet_NaN();

  for (const auto activation : {Activation::kNone, Activation::kGelu, Activation::kSilu}) {
    const auto result =
        Normalized<float, 4>(features, 1, at::ones({1, 8}), at::zeros({1, 8}), activation);
    EXPECT_TRUE(at::isnan(result).all().item<bool>());
  }
}

}  // namespace
}  // namespace upscaler::test
