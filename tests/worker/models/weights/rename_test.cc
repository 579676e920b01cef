#include "worker/models/weights/rename.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler::test {
namespace {

using ::testing::Eq;
using ::testing::Optional;

TEST(RenameTest, TextEncoderNamesLoseTheirPrefix) {
  EXPECT_THAT(TextEncoderName("text_model.final_layer_norm.weight"),
              Optional(Eq("final_layer_norm.weight")));
  EXPECT_THAT(TextEncoderName("final_layer_norm.weight"), Optional(Eq("final_layer_norm.weight")));
}

TEST(RenameTest, TextEncoderIgnoresPositionIds) {
  EXPECT_EQ(TextEncoderName("text_model.embeddings.position_ids"), std::nullopt);
  EXPECT_EQ(TextEncoderName("embeddings.position_ids"), std::nullopt);
}

TEST(RenameTest, VaeTakesTheOldNamesOfAttention) {
  EXPECT_THAT(VaeName("encoder.mid_block.attentions.0.query.weight"),
              Optional(Eq("encoder.mid_block.attentions.0.to_q.weight")));
  EXPECT_THAT(VaeName("decoder.mid_block.attentions.0.key.bias"),
              Optional(Eq("decoder.mid_block.attentions.0.to_k.bias")));
  EXPECT_THAT(VaeName("decoder.mid_block.attentions.0.value.weight"),
              Optional(Eq("decoder.mid_block.attentions.0.to_v.weight")));
  EXPECT_THAT(VaeName("decoder.mid_block.attentions.0.proj_attn.bias"),
              Optional(Eq("decoder.mid_block.attentions.0.to_out.0.bias")));
}

TEST(RenameTest, VaeKeepsEveryOtherName) {
  for (const char* name : {"encoder.mid_block.attentions.0.to_q.weight",
                           "encoder.mid_block.attentions.0.to_out.0.bias",
                           "decoder.mid_block.attentions.0.group_norm.weight",
                           "encoder.conv_in.weight", "query.weight", "x", ".", ""}) {
    EXPECT_THAT(VaeName(name), Optional(Eq(name)));
  }
}

}  // namespace
}  // namespace upscaler::test
