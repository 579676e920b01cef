#include "client/spec_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using ::testing::Optional;

TEST(SpecNamesTest, ReadWhatTheyWrite) {
  for (const v1::AlphaMode mode : {v1::ALPHA_MODE_KEEP, v1::ALPHA_MODE_DROP}) {
    EXPECT_THAT(AlphaNamed(AlphaName(mode)), Optional(mode));
  }
  for (const v1::MetadataMode mode : {v1::METADATA_MODE_KEEP, v1::METADATA_MODE_KEEP_ALL,
                                      v1::METADATA_MODE_COLOR, v1::METADATA_MODE_STRIP}) {
    EXPECT_THAT(MetadataNamed(MetadataName(mode)), Optional(mode));
  }
}

TEST(SpecNamesTest, NameTheDefaultWhereNothingIsSaid) {
  EXPECT_EQ(AlphaName(v1::ALPHA_MODE_UNSPECIFIED), "keep");
  EXPECT_EQ(MetadataName(v1::METADATA_MODE_UNSPECIFIED), "keep");
}

TEST(SpecNamesTest, ReadNothingElse) {
  for (const char* text : {"", "Keep", "keep ", "none"}) {
    EXPECT_EQ(AlphaNamed(text), std::nullopt) << text;
    EXPECT_EQ(MetadataNamed(text), std::nullopt) << text;
  }
  EXPECT_EQ(MetadataNamed("drop"), std::nullopt);
  EXPECT_EQ(AlphaNamed("strip"), std::nullopt);
}

}  // namespace
}  // namespace upscaler
