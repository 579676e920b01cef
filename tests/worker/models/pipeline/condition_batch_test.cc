#include "worker/models/pipeline/condition_batch.h"

#include <vector>

#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

EncodedPrompt Encoded(double value) {
  return {.keys_values = at::full({1, 2, 3}, value),
          .pooled = at::full({1, 4}, 10 * value),
          .cut_text = ""};
}

// What `batch` should hold for these passes.
void ExpectHolds(const ConditionBatch& batch, const std::vector<const EncodedPrompt*>& passes) {
  std::vector<at::Tensor> keys_values;
  for (const EncodedPrompt* pass : passes) keys_values.push_back(pass->keys_values);
  EXPECT_TRUE(at::equal(batch.keys_values(), at::cat(keys_values)));
}

class ConditionBatchTest : public ::testing::Test {
 protected:
  const EncodedPrompt cat_ = Encoded(1);
  const EncodedPrompt dog_ = Encoded(2);
  const EncodedPrompt bird_ = Encoded(3);
  ConditionBatch batch_;
};

TEST_F(ConditionBatchTest, PutsThePassesOneAfterAnother) {
  const std::vector<const EncodedPrompt*> passes = {&cat_, &dog_, &cat_};

  batch_.Gather(passes);

  ExpectHolds(batch_, passes);
}

TEST_F(ConditionBatchTest, CopiesNothingWhileThePassesStayTheSame) {
  batch_.Gather(std::vector<const EncodedPrompt*>{&cat_, &dog_});
  const at::Tensor keys_values = batch_.keys_values();
  const EncodedPrompt another_row_of_the_same_prompt = dog_;

  batch_.Gather(std::vector<const EncodedPrompt*>{&cat_, &another_row_of_the_same_prompt});

  EXPECT_TRUE(batch_.keys_values().is_same(keys_values));
}

TEST_F(ConditionBatchTest, CopiesNothingOfASinglePass) {
  batch_.Gather(std::vector<const EncodedPrompt*>{&cat_});

  EXPECT_TRUE(batch_.keys_values().is_same(cat_.keys_values));
}

TEST_F(ConditionBatchTest, FollowsThePassesThatJoinLeaveAndSwap) {
  const std::vector<std::vector<const EncodedPrompt*>> changes = {
      {&cat_, &dog_}, {&cat_, &dog_, &bird_}, {&cat_, &bird_}, {&bird_, &cat_}, {&bird_}, {&dog_}};

  for (const auto& passes : changes) {
    batch_.Gather(passes);
    ExpectHolds(batch_, passes);
  }
}

TEST_F(ConditionBatchTest, TellsANewPassFromOneThatIsGone) {
  for (int i = 0; i < 10; ++i) {
    // Each may well lie where the one before lay.
    const EncodedPrompt passing = Encoded(i);
    const std::vector<const EncodedPrompt*> passes = {&cat_, &passing};

    batch_.Gather(passes);

    ExpectHolds(batch_, passes);
  }
}

TEST_F(ConditionBatchTest, CanBeFilledAgainAfterItFailed) {
  EncodedPrompt odd = Encoded(4);
  odd.keys_values = at::full({1, 5, 7}, 4.0);
  batch_.Gather(std::vector<const EncodedPrompt*>{&cat_, &dog_});
  const std::vector<const EncodedPrompt*> passes = {&cat_, &dog_};

  EXPECT_ANY_THROW(batch_.Gather(std::vector<const EncodedPrompt*>{&cat_, &odd}));
  batch_.Gather(passes);

  ExpectHolds(batch_, passes);
}

}  // namespace
}  // namespace upscaler
