#include "worker/models/clip/clip_text_model.h"

#include <cstdint>
#include <vector>

#include <ATen/ops/cat.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/random_parameters.h"
#include "tests/support/tensor_matchers.h"

namespace upscaler {
namespace {

using test::TensorNear;

constexpr double kTolerance = 1e-5;
constexpr std::int64_t kEnd = 9;
constexpr ClipTextConfig kTiny{
    .vocabulary = 10, .positions = 7, .width = 8, .inner_width = 12, .layers = 2, .heads = 2};

// [1, N]
at::Tensor Ids(const std::vector<std::int64_t>& ids) { return at::tensor(ids).unsqueeze(0); }

class ClipTextModelTest : public ::testing::Test {
 protected:
  ClipTextModelTest() { test::RandomizeParameters(*model_, /*seed=*/0); }

  c10::InferenceMode inference_;
  ClipTextModel model_{kTiny};
};

TEST_F(ClipTextModelTest, PoolsTheNormalizedTokenAtTheFirstEndOfText) {
  const auto ids = at::cat({Ids({8, 1, kEnd, kEnd}), Ids({8, 1, 2, kEnd})});
  const auto parameters = model_->named_parameters();

  const auto embedding = model_(ids, kEnd);

  const auto normalized =
      at::layer_norm(embedding.tokens, {kTiny.width}, parameters["final_layer_norm.weight"],
                     parameters["final_layer_norm.bias"], kTiny.eps);
  EXPECT_EQ(embedding.tokens.sizes(), (at::IntArrayRef{2, 4, kTiny.width}));
  EXPECT_THAT(embedding.pooled, TensorNear(at::stack({normalized.select(0, 0).select(0, 2),
                                                      normalized.select(0, 1).select(0, 3)}),
                                           kTolerance));
}

TEST_F(ClipTextModelTest, LetsNoTokenSeeALaterOne) {
  const auto one = model_(Ids({8, 1, 2, kEnd}), kEnd);
  const auto other = model_(Ids({8, 1, 5, kEnd}), kEnd);

  EXPECT_THAT(other.tokens.narrow(1, 0, 2), TensorNear(one.tokens.narrow(1, 0, 2), kTolerance));
}

TEST_F(ClipTextModelTest, HasThePublishedModelsParameters) {
  const ClipTextModel published(ClipTextConfig{.vocabulary = 49408,
                                               .positions = 77,
                                               .width = 768,
                                               .inner_width = 3072,
                                               .layers = 12,
                                               .heads = 12});

  const auto parameters = published->named_parameters();

  EXPECT_EQ(parameters.size(), 196U);
  EXPECT_EQ(test::CountParameters(*published), 123'060'480);
  EXPECT_TRUE(parameters.contains("embeddings.token_embedding.weight"));
  EXPECT_TRUE(parameters.contains("encoder.layers.11.self_attn.out_proj.bias"));
}

}  // namespace
}  // namespace upscaler
