#include "worker/models/unet/unet_plan.h"

#include <cstdint>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using ::testing::ElementsAre;
using Layer = UnetLayerPlan;

std::vector<BlockAttention> Attentions(const std::vector<UnetBlockPlan>& blocks) {
  std::vector<BlockAttention> attentions;
  for (const UnetBlockPlan& block : blocks) attentions.push_back(block.attention);
  return attentions;
}

TEST(UnetPlanTest, IsThePublishedModels) {
  const UnetPlan plan = PlanUnet({.level_channels = {384, 384, 768, 768}, .layers_per_level = 4});

  const Layer narrow{384, 384, 384};
  const Layer wide{768, 768, 768};
  EXPECT_THAT(plan.down[0].layers, ElementsAre(narrow, narrow, narrow, narrow));
  EXPECT_THAT(plan.down[1].layers, ElementsAre(narrow, narrow, narrow, narrow));
  EXPECT_THAT(plan.down[2].layers, ElementsAre(Layer{384, 768, 768}, wide, wide, wide));
  EXPECT_THAT(plan.down[3].layers, ElementsAre(wide, wide, wide, wide));
  EXPECT_THAT(plan.up[0].layers, ElementsAre(wide, wide, wide, wide));
  EXPECT_THAT(plan.up[1].layers,
              ElementsAre(Layer{1536, 768, 768}, wide, wide, Layer{768, 768, 384}));
  EXPECT_THAT(plan.up[2].layers, ElementsAre(Layer{768, 384, 384}, narrow, narrow, narrow));
  EXPECT_THAT(plan.up[3].layers, ElementsAre(Layer{768, 384, 384}, narrow, narrow, narrow));
}

TEST(UnetPlanTest, AttendsAtAllLevelsButTheFinestAndToItselfAtTheCoarsest) {
  const UnetPlan plan = PlanUnet({.level_channels = {384, 384, 768, 768}, .layers_per_level = 4});

  EXPECT_THAT(Attentions(plan.down),
              ElementsAre(BlockAttention::kNone, BlockAttention::kCross, BlockAttention::kCross,
                          BlockAttention::kSelfAndCross));
  EXPECT_THAT(Attentions(plan.up),
              ElementsAre(BlockAttention::kSelfAndCross, BlockAttention::kCross,
                          BlockAttention::kCross, BlockAttention::kNone));
}

TEST(UnetPlanTest, NarrowsInTheOnlyLayerThereIs) {
  const UnetPlan plan = PlanUnet({.level_channels = {32, 48, 64, 64}, .layers_per_level = 1});

  EXPECT_THAT(plan.down[1].layers, ElementsAre(Layer{32, 48, 48}));
  EXPECT_THAT(plan.up[1].layers, ElementsAre(Layer{128, 64, 48}));
  EXPECT_THAT(plan.up[2].layers, ElementsAre(Layer{96, 48, 32}));
}

TEST(UnetPlanTest, NormalizesInGroupsOfThirtyTwoChannels) {
  EXPECT_EQ(GroupsOf(384), 12);
  EXPECT_EQ(GroupsOf(48), 1);
  EXPECT_EQ(GroupsOf(16), 1);
}

}  // namespace
}  // namespace upscaler
