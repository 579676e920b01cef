#include "worker/models/weights/bind.h"

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>

#include "tests/support/status_matchers.h"

namespace upscaler::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StrEq;

// A linear layer within, and a buffer.
class SmallModule : public torch::nn::Module {
 public:
  SmallModule()
      : linear(register_module("linear", torch::nn::Linear(2, 3))),
        scale(register_buffer("scale", at::zeros({4}))) {}

  torch::nn::Linear linear;
  at::Tensor scale;
};

Weights SmallWeights() {
  return Weights{"unet",
                 {{"linear.weight", at::randn({3, 2})},
                  {"linear.bias", at::randn({3})},
                  {"scale", at::randn({4})}}};
}

std::string RefusalOf(const Weights& weights, RenameRule rename = KeepName) {
  SmallModule module;
  const absl::Status status = BindWeights(weights, {.rename = rename}, module);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
  return std::string(status.message());
}

TEST(BindTest, SetsParametersAndBuffersByName) {
  const Weights weights = SmallWeights();
  SmallModule module;

  ASSERT_THAT(BindWeights(weights, {}, module), IsOk());

  EXPECT_TRUE(at::equal(module.linear->weight, weights.tensors.at("linear.weight")));
  EXPECT_TRUE(at::equal(module.linear->bias, weights.tensors.at("linear.bias")));
  EXPECT_TRUE(at::equal(module.scale, weights.tensors.at("scale")));
  EXPECT_FALSE(module.linear->weight.requires_grad());
}

TEST(BindTest, CopiesNothingThatIsAlreadyAsWanted) {
  const Weights weights = SmallWeights();
  SmallModule module;

  ASSERT_THAT(BindWeights(weights, {}, module), IsOk());

  EXPECT_EQ(module.linear->weight.const_data_ptr(),
            weights.tensors.at("linear.weight").const_data_ptr());
}

// Convolutions want the channels last, on every device and in every dtype.
TEST(BindTest, KeepsTheLayoutOfTheModule) {
  const Weights weights{"unet", {{"weight", at::randn({6, 5, 3, 3})}}};
  for (const at::ScalarType dtype : {at::kFloat, at::kHalf}) {
    torch::nn::Module module;
    const at::Tensor& weight = module.register_parameter(
        "weight",
        at::empty({6, 5, 3, 3}, at::TensorOptions().memory_format(at::MemoryFormat::ChannelsLast)));

    ASSERT_THAT(BindWeights(weights, {.dtype = dtype}, module), IsOk());

    EXPECT_TRUE(weight.is_contiguous(at::MemoryFormat::ChannelsLast));
    EXPECT_TRUE(at::equal(weight, weights.tensors.at("weight").to(dtype)));
  }
}

TEST(BindTest, ConvertsToTheDtypeOfTheModule) {
  const Weights weights = SmallWeights();
  SmallModule module;

  ASSERT_THAT(BindWeights(weights, {.dtype = at::kHalf}, module), IsOk());

  EXPECT_TRUE(at::equal(module.linear->weight, weights.tensors.at("linear.weight").to(at::kHalf)));
  EXPECT_EQ(module.scale.scalar_type(), at::kHalf);
}

TEST(BindTest, RenamesAndIgnoresAsTheRuleSays) {
  Weights weights;
  for (const auto& [name, tensor] : SmallWeights().tensors) {
    weights.tensors.emplace("text_model." + name, tensor);
  }
  weights.tensors.emplace("text_model.embeddings.position_ids", at::arange(77));
  SmallModule module;

  EXPECT_THAT(BindWeights(weights, {.rename = TextEncoderName}, module), IsOk());
}

TEST(BindTest, TakesFurtherAxesOfOne) {
  Weights weights = SmallWeights();
  weights.tensors.at("linear.weight") = at::randn({3, 2, 1, 1});
  SmallModule module;

  ASSERT_THAT(BindWeights(weights, {}, module), IsOk());

  EXPECT_TRUE(at::equal(module.linear->weight, weights.tensors.at("linear.weight").view({3, 2})));
}

TEST(BindTest, RefusesAnotherShape) {
  Weights weights = SmallWeights();
  for (const auto& shape : std::vector<std::vector<std::int64_t>>{{2, 3}, {6}, {3, 2, 2}, {3}}) {
    weights.tensors.at("linear.weight") = at::randn(shape);

    EXPECT_THAT(RefusalOf(weights),
                HasSubstr(fmt::format("unet: tensor 'linear.weight' is [{}], wanted [3, 2]",
                                      fmt::join(shape, ", "))));
  }
}

TEST(BindTest, RefusesATensorThatIsMissing) {
  Weights weights = SmallWeights();
  weights.tensors.erase("scale");

  EXPECT_THAT(RefusalOf(weights), StrEq("unet: tensor 'scale' is missing"));
}

TEST(BindTest, RefusesATensorThatIsLeftOver) {
  Weights weights = SmallWeights();
  weights.tensors.emplace("linear.extra", at::randn({1}));

  EXPECT_THAT(RefusalOf(weights), StrEq("unet: tensor 'linear.extra' is not known to the model"));
}

TEST(BindTest, RefusesATensorThatIsThereTwice) {
  Weights weights = SmallWeights();
  weights.tensors.emplace("text_model.scale", at::randn({4}));

  EXPECT_THAT(RefusalOf(weights, TextEncoderName),
              StrEq("unet: tensor 'scale' is there under two names"));
}

TEST(BindTest, RefusesIntegers) {
  Weights weights = SmallWeights();
  weights.tensors.at("scale") = at::arange(4);

  EXPECT_THAT(RefusalOf(weights),
              StrEq("unet: tensor 'scale' is Long, wanted a floating-point dtype"));
}

TEST(BindTest, ListsTheFirstFewProblemsAndCountsTheRest) {
  Weights weights{"unet", {}};
  for (int i = 0; i < 4; ++i) weights.tensors.emplace(fmt::format("x{}", i), at::randn({1}));

  const std::string refusal = RefusalOf(weights);

  EXPECT_THAT(refusal, HasSubstr("tensor 'x3' is not known to the model; tensor 'linear.bias' is "
                                 "missing; and 2 more"));
}

TEST(BindTest, LeavesTheModuleAloneWhenItRefuses) {
  Weights weights = SmallWeights();
  weights.tensors.erase("scale");
  SmallModule module;
  const at::Tensor before = module.linear->weight.clone();

  EXPECT_THAT(BindWeights(weights, {}, module), StatusIs(absl::StatusCode::kFailedPrecondition));

  EXPECT_TRUE(at::equal(module.linear->weight, before));
}

}  // namespace
}  // namespace upscaler::test
