#include "worker/models/nn/ada_group_norm.h"

#include <cstdint>
#include <vector>

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/random_parameters.h"
#include "tests/support/tensor_matchers.h"

namespace upscaler {
namespace {

using test::TensorNear;

constexpr double kTolerance = 1e-5;

class AdaGroupNormTest : public ::testing::Test {
 protected:
  static constexpr std::int64_t kBatch = 2;
  static constexpr std::int64_t kChannels = 8;
  static constexpr std::int64_t kEmbeddingDim = 6;
  static constexpr std::int64_t kGroups = 4;

  AdaGroupNormTest() { test::RandomizeParameters(*norm_, /*seed=*/0); }

  at::Tensor Normalized() const { return at::group_norm(features_, kGroups); }

  AdaGroupNorm norm_{AdaGroupNormOptions{
      .embedding_dim = kEmbeddingDim, .channels = kChannels, .groups = kGroups}};
  const at::Tensor features_ = at::randn({kBatch, kChannels, 5, 7});
  const at::Tensor embedding_ = at::randn({kBatch, kEmbeddingDim});
};

TEST_F(AdaGroupNormTest, NamesItsParametersAsTheCheckpointDoes) {
  const auto parameters = norm_->named_parameters();

  EXPECT_THAT(parameters.keys(), ::testing::UnorderedElementsAre("linear.weight", "linear.bias"));
  EXPECT_EQ(parameters["linear.weight"].sizes(),
            (std::vector<std::int64_t>{2 * kChannels, kEmbeddingDim}));
  EXPECT_EQ(parameters["linear.bias"].sizes(), (std::vector<std::int64_t>{2 * kChannels}));
}

TEST_F(AdaGroupNormTest, IsPlainGroupNormWhenTheProjectionIsZero) {
  for (auto& parameter : norm_->parameters()) parameter.zero_();

  const auto result = norm_(features_, norm_->Modulation(embedding_));

  EXPECT_THAT(result, TensorNear(Normalized(), kTolerance));
}

TEST_F(AdaGroupNormTest, TakesTheScaleFromTheFirstHalfAndTheShiftFromTheSecond) {
  const auto modulation =
      at::cat({at::full({kBatch, kChannels}, 0.5), at::full({kBatch, kChannels}, -3.0)}, 1);

  const auto result = norm_(features_, modulation);

  EXPECT_THAT(result, TensorNear(Normalized() * 1.5 - 3.0, kTolerance));
}

TEST_F(AdaGroupNormTest, ModulatesEachImageByItsOwnEmbedding) {
  const auto together = norm_(features_, norm_->Modulation(embedding_));

  for (std::int64_t i = 0; i < kBatch; ++i) {
    const auto alone =
        norm_(features_.narrow(0, i, 1), norm_->Modulation(embedding_.narrow(0, i, 1)));
    EXPECT_THAT(together.narrow(0, i, 1), TensorNear(alone, kTolerance)) << "image " << i;
  }
}

}  // namespace
}  // namespace upscaler
