#include "gateway/upscale_form.h"

#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::HasSubstr;
using ::testing::Optional;

absl::StatusOr<UpscaleForm> Read(std::vector<FormField> fields) {
  fields.insert(fields.begin(), {.name = "image", .value = "the image"});
  return ReadForm(std::move(fields), "the-model");
}

TEST(ReadFormTest, FillsInRestsOwnDefaultsOnly) {
  const auto form = Read({});

  ASSERT_THAT(form, IsOk());
  EXPECT_EQ(form->image, "the image");
  EXPECT_EQ(form->response_format, UpscaleForm::ResponseFormat::kBase64);
  EXPECT_EQ(form->spec.quality(), 100U);
  EXPECT_FALSE(form->spec.has_image_count());
  EXPECT_FALSE(form->spec.has_guidance_scale());
  EXPECT_FALSE(form->spec.has_seed());
  EXPECT_EQ(form->spec.output_format(), v1::IMAGE_FORMAT_UNSPECIFIED);
}

TEST(ReadFormTest, ReadsEveryField) {
  const auto form = Read({{"prompt", "a cat"},
                          {"negative_prompt", "a dog"},
                          {"n", "2"},
                          {"guidance_scale", "0"},
                          {"num_inference_steps", "10"},
                          {"seed", "18446744073709551615"},
                          {"scale", "2x"},
                          {"size", "auto"},
                          {"response_format", "url"},
                          {"output_format", "jpeg"},
                          {"output_compression", "0"},
                          {"stream", "false"},
                          {"model", "the-model"},
                          {"user", "somebody"},
                          {"unheard_of", "whatever"}});

  ASSERT_THAT(form, IsOk());
  EXPECT_EQ(form->spec.prompt(), "a cat");
  EXPECT_EQ(form->spec.negative_prompt(), "a dog");
  EXPECT_EQ(form->spec.image_count(), 2U);
  EXPECT_TRUE(form->spec.has_guidance_scale());
  EXPECT_EQ(form->spec.guidance_scale(), 0.0);
  EXPECT_EQ(form->spec.num_inference_steps(), 10U);
  EXPECT_EQ(form->spec.seed(), UINT64_MAX);
  EXPECT_EQ(form->response_format, UpscaleForm::ResponseFormat::kUrl);
  EXPECT_EQ(form->spec.output_format(), v1::IMAGE_FORMAT_JPEG);
  EXPECT_EQ(form->spec.quality(), 0U);
}

TEST(ReadFormTest, EndsLinesAsTheUserTypedThem) {
  const auto form = Read({{"prompt", "a\r\ncat"}, {"negative_prompt", "a\n\r\ndog"}});

  ASSERT_THAT(form, IsOk());
  EXPECT_EQ(form->spec.prompt(), "a\ncat");
  EXPECT_EQ(form->spec.negative_prompt(), "a\n\ndog");
}

TEST(ReadFormTest, TakesTheImageUnderEachOfItsNames) {
  for (const char* name : {"image", "image[]", "file"}) {
    EXPECT_THAT(ReadForm({{name, "the image"}}, "m"), IsOk()) << name;
  }
}

TEST(ReadFormTest, TakesAnEmptyFieldForOneThatIsLeftOut) {
  const auto form = Read({{"prompt", ""},
                          {"negative_prompt", ""},
                          {"n", ""},
                          {"guidance_scale", ""},
                          {"num_inference_steps", ""},
                          {"seed", ""},
                          {"scale", ""},
                          {"size", ""},
                          {"response_format", ""},
                          {"output_format", ""},
                          {"output_compression", ""},
                          {"stream", ""},
                          {"tile_size", ""},
                          {"alpha", ""},
                          {"metadata", ""},
                          {"bit_depth", ""},
                          {"lossless", ""},
                          {"embed_parameters", ""},
                          {"model", ""}});

  ASSERT_THAT(form, IsOk());
  EXPECT_EQ(form->spec.SerializeAsString(), Read({})->spec.SerializeAsString());
  EXPECT_EQ(form->response_format, UpscaleForm::ResponseFormat::kBase64);
}

TEST(ReadFormTest, ReadsTrueAndFalseHoweverTheyAreWritten) {
  for (const char* value : {"false", "False", "FALSE", "0"}) {
    const auto form = Read({{"stream", value}});
    ASSERT_THAT(form, IsOk()) << value;
    EXPECT_FALSE(form->stream) << value;
  }
  for (const char* value : {"true", "True", "1"}) {
    const auto form = Read({{"stream", value}, {"partial_images", "3"}});
    ASSERT_THAT(form, IsOk()) << value;
    EXPECT_TRUE(form->stream) << value;
    EXPECT_EQ(form->partial_images, 3U);
  }
}

TEST(ReadFormTest, TakesASizeForTheOneToResizeTo) {
  const auto sized = Read({{"size", "640x480"}});

  ASSERT_THAT(sized, IsOk());
  EXPECT_EQ(sized->spec.resize_to().width(), 640U);
  EXPECT_EQ(sized->spec.resize_to().height(), 480U);
  EXPECT_FALSE(Read({{"size", "auto"}})->spec.has_resize_to());
}

TEST(ReadFormTest, ReadsTheScaleEitherWay) {
  for (const auto& [text, scale] :
       {std::pair("2", 2U), std::pair("2x", 2U), std::pair("4", 4U), std::pair("4x", 4U)}) {
    const auto form = Read({{"scale", text}});
    ASSERT_THAT(form, IsOk()) << text;
    EXPECT_EQ(form->spec.scale(), scale);
  }
  EXPECT_FALSE(Read({})->spec.has_scale());
}

TEST(ReadFormTest, ReadsWhatIsSaidOfThePicture) {
  const auto form = Read({{"tile_size", "512"},
                          {"alpha", "drop"},
                          {"metadata", "color"},
                          {"output_format", "tiff"},
                          {"bit_depth", "16"},
                          {"lossless", "True"},
                          {"embed_parameters", "0"}});

  ASSERT_THAT(form, IsOk());
  EXPECT_EQ(form->spec.tile_size(), 512U);
  EXPECT_EQ(form->spec.alpha(), v1::ALPHA_MODE_DROP);
  EXPECT_EQ(form->spec.metadata(), v1::METADATA_MODE_COLOR);
  EXPECT_EQ(form->spec.output_format(), v1::IMAGE_FORMAT_TIFF);
  EXPECT_EQ(form->spec.bit_depth(), 16U);
  EXPECT_TRUE(form->spec.lossless());
  EXPECT_TRUE(form->spec.has_embed_parameters());
  EXPECT_FALSE(form->spec.embed_parameters());
  EXPECT_EQ(Read({{"output_format", "avif"}})->spec.output_format(), v1::IMAGE_FORMAT_AVIF);
}

TEST(ReadFormTest, LeavesRangesToTheService) {
  EXPECT_THAT(Read({{"n", "1000"},
                    {"guidance_scale", "-4"},
                    {"size", "70000x1"},
                    {"tile_size", "5"},
                    {"bit_depth", "12"}}),
              IsOk());
}

struct BadField {
  const char* name;
  const char* value;
};

// What a failed case is called.
void PrintTo(const BadField& field, std::ostream* out) {
  *out << field.name << " is '" << field.value << "'";
}

class BadFieldTest : public ::testing::TestWithParam<BadField> {};

TEST_P(BadFieldTest, IsRefusedByName) {
  const auto form = Read({{GetParam().name, GetParam().value}});

  EXPECT_THAT(form, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FieldOf(form.status()), Optional(std::string(GetParam().name)));
  EXPECT_THAT(std::string(form.status().message()), HasSubstr("allowed"));
}

INSTANTIATE_TEST_SUITE_P(
    ReadForm, BadFieldTest,
    ::testing::Values(
        BadField{"n", "two"}, BadField{"n", "-1"}, BadField{"n", " 1"}, BadField{"n", "1 "},
        BadField{"n", "1.0"}, BadField{"n", "+1"}, BadField{"n", "0x1"},
        BadField{"n", "4294967296"}, BadField{"num_inference_steps", "1e2"}, BadField{"seed", "-1"},
        BadField{"seed", "18446744073709551616"}, BadField{"guidance_scale", "nan"},
        BadField{"guidance_scale", "inf"}, BadField{"guidance_scale", "1e999"},
        BadField{"guidance_scale", "7,5"}, BadField{"output_compression", "best"},
        BadField{"output_format", "bmp"}, BadField{"response_format", "base64"},
        BadField{"scale", "3"}, BadField{"scale", "x4"}, BadField{"scale", "4.0"},
        BadField{"tile_size", "-1"}, BadField{"tile_size", "auto"}, BadField{"alpha", "white"},
        BadField{"alpha", "Keep"}, BadField{"metadata", "none"}, BadField{"bit_depth", "16bit"},
        BadField{"lossless", "yes"}, BadField{"embed_parameters", "no"}, BadField{"size", "64"},
        BadField{"size", "64x"}, BadField{"size", "x64"}, BadField{"size", "64x64x64"},
        BadField{"size", "64X64"}, BadField{"size", "64 x 64"}, BadField{"size", "0x64"},
        BadField{"size", "64x-64"}, BadField{"size", "4294967296x64"}, BadField{"size", "AUTO"},
        BadField{"stream", "no"}, BadField{"partial_images", "4"}, BadField{"partial_images", "-1"},
        BadField{"partial_images", "few"}, BadField{"model", "another"}));

TEST(ReadFormTest, RefusesAFieldThatComesTwice) {
  const auto twice = Read({{"n", "1"}, {"n", "1"}});
  const auto two_images = Read({{"file", "another image"}});

  EXPECT_THAT(FieldOf(twice.status()), Optional(std::string("n")));
  EXPECT_THAT(FieldOf(two_images.status()), Optional(std::string("image")));
}

TEST(ReadFormTest, WantsAnImage) {
  const auto missing = ReadForm({{"prompt", "a cat"}}, "m");
  const auto empty = ReadForm({{"image", ""}}, "m");

  EXPECT_THAT(FieldOf(missing.status()), Optional(std::string("image")));
  EXPECT_THAT(FieldOf(empty.status()), Optional(std::string("image")));
}

TEST(ReadFormTest, QuotesOnlyTheBeginningOfALongValue) {
  const auto form = Read({{"n", std::string(100'000, '1').c_str()}});

  EXPECT_LT(form.status().message().size(), 200U);
}

}  // namespace
}  // namespace upscaler
