#include "server/service/spec_enums.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

// Every value that the contract names is known and comes back as itself, but for the one that
// leaves the choice to the server.
template <typename Enum>
void ExpectAllKnown(const google::protobuf::EnumDescriptor& values) {
  for (int i = 0; i < values.value_count(); ++i) {
    const auto value = static_cast<Enum>(values.value(i)->number());
    const auto known = FromProto(value);
    ASSERT_TRUE(known.has_value()) << values.value(i)->name();
    if (values.value(i)->number() != 0) {
      EXPECT_EQ(ToProto(*known), value) << values.value(i)->name();
    }
  }
  EXPECT_FALSE(FromProto(static_cast<Enum>(values.value_count())).has_value()) << values.name();
}

TEST(SpecEnumsTest, KnowEveryValueOfTheContract) {
  ExpectAllKnown<v1::ImageFormat>(*v1::ImageFormat_descriptor());
  ExpectAllKnown<v1::OutputType>(*v1::OutputType_descriptor());
  ExpectAllKnown<v1::AlphaMode>(*v1::AlphaMode_descriptor());
  ExpectAllKnown<v1::MetadataMode>(*v1::MetadataMode_descriptor());
}

TEST(SpecEnumsTest, ChooseWhereNothingIsSaid) {
  EXPECT_EQ(FromProto(v1::IMAGE_FORMAT_UNSPECIFIED), ImageFormat::kPng);
  EXPECT_EQ(FromProto(v1::OUTPUT_TYPE_UNSPECIFIED), OutputType::kImage);
  EXPECT_EQ(FromProto(v1::ALPHA_MODE_UNSPECIFIED), AlphaPolicy::kKeep);
  EXPECT_EQ(FromProto(v1::METADATA_MODE_UNSPECIFIED), MetadataPolicy::kKeep);
}

}  // namespace
}  // namespace upscaler
