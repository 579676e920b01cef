#include "worker/models/nn/attention.h"

#include <cmath>
#include <cstdint>

#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/random_parameters.h"
#include "tests/support/tensor_matchers.h"

namespace upscaler {
namespace {

using test::TensorNear;

constexpr double kTolerance = 1e-5;

// Attention by its definition, of one head.
at::Tensor OneHead(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(queries.size(2)));
  const auto scores = at::matmul(queries, keys.transpose(1, 2)) * scale;
  return at::matmul(at::softmax(scores, /*dim=*/2), values);
}

TEST(MultiHeadAttentionTest, LetsEachHeadAttendByItself) {
  const auto queries = at::randn({2, 5, 12});
  const auto keys = at::randn({2, 7, 12});
  const auto values = at::randn({2, 7, 12});

  const auto result = MultiHeadAttention(queries, keys, values, /*heads=*/3);

  for (std::int64_t head = 0; head < 3; ++head) {
    const auto part = [&](const at::Tensor& tokens) { return tokens.narrow(2, 4 * head, 4); };
    EXPECT_THAT(part(result),
                TensorNear(OneHead(part(queries), part(keys), part(values)), kTolerance))
        << "head " << head;
  }
}

TEST(MultiHeadAttentionTest, SeesNoLaterTokenUnderTheCausalMask) {
  const auto tokens = at::randn({1, 6, 8});
  auto changed = tokens.clone();
  changed.narrow(1, 4, 2) += 1.0;

  const auto before = MultiHeadAttention(tokens, tokens, tokens, 2, AttentionMask::kCausal);
  const auto after = MultiHeadAttention(changed, changed, changed, 2, AttentionMask::kCausal);

  EXPECT_THAT(after.narrow(1, 0, 4), TensorNear(before.narrow(1, 0, 4), kTolerance));
}

TEST(TokensTest, RunRowByRowAndBack) {
  const auto features = at::randn({2, 3, 4, 5});

  const auto tokens = TokensOf(features);

  EXPECT_EQ(tokens.sizes(), (at::IntArrayRef{2, 20, 3}));
  EXPECT_THAT(tokens.select(1, 5 + 2), TensorNear(features.select(2, 1).select(2, 2), 0.0));
  EXPECT_THAT(FeaturesOf(tokens, features), TensorNear(features, 0.0));
}

class AttentionTest : public ::testing::Test {
 protected:
  AttentionTest() { test::RandomizeParameters(*attention_, /*seed=*/0); }

  Attention attention_{AttentionOptions{.width = 8, .context_width = 6, .heads = 2}};
};

TEST_F(AttentionTest, NamesItsParametersAsTheCheckpointDoes) {
  EXPECT_THAT(attention_->named_parameters().keys(),
              ::testing::UnorderedElementsAre("to_q.weight", "to_q.bias", "to_k.weight",
                                              "to_k.bias", "to_v.weight", "to_v.bias",
                                              "to_out.0.weight", "to_out.0.bias"));
}

TEST_F(AttentionTest, AnswersWithTheProjectedValueWhenThereIsOnlyOne) {
  const auto keys_values = at::randn({2, 1, 16});
  const auto parameters = attention_->named_parameters();

  const auto result = attention_(at::randn({2, 5, 8}), keys_values);

  const auto value = keys_values.narrow(2, 8, 8);  // [B, 1, D]
  const auto projected =
      at::matmul(value, parameters["to_out.0.weight"].t()) + parameters["to_out.0.bias"];
  EXPECT_THAT(result, TensorNear(projected.expand({2, 5, 8}), kTolerance));
}

}  // namespace
}  // namespace upscaler
