#include "server/service/validation.h"

#include <cmath>
#include <limits>
#include <string>

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

absl::StatusOr<UpscaleTask> Make(const v1::UpscaleSpec& spec) {
  return MakeTask(spec, {.bytes = "picture"}, TimePoint::max(), /*random_seed=*/99);
}

void ExpectRefused(const v1::UpscaleSpec& spec, const std::string& field,
                   const std::string& allowed) {
  const absl::Status status = Make(spec).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FieldOf(status), Optional(field));
  EXPECT_THAT(std::string(status.message()), HasSubstr(allowed));
}

TEST(MakeTaskTest, FillsInEveryDefault) {
  const absl::StatusOr<UpscaleTask> task = Make({});

  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->prompt, "");
  EXPECT_EQ(task->guidance_scale, 7.5);
  EXPECT_EQ(task->steps, 25);
  EXPECT_EQ(task->image_count, 1);
  EXPECT_EQ(task->seed, 99U);
  EXPECT_EQ(task->output.format, ImageFormat::kPng);
  EXPECT_EQ(task->scale, 2);
  EXPECT_EQ(task->tile_size, 0);
  EXPECT_EQ(task->alpha, AlphaPolicy::kKeep);
  EXPECT_EQ(task->output.metadata, MetadataPolicy::kKeep);
  EXPECT_EQ(task->output.bits, 8);
  EXPECT_FALSE(task->output.lossless);
  EXPECT_TRUE(task->embed_parameters);
  EXPECT_EQ(task->output.parameters, "");  // The worker writes it.
}

TEST(MakeTaskTest, TakesZeroForAValueAndNotForADefault) {
  v1::UpscaleSpec spec;
  spec.set_guidance_scale(0);
  spec.set_seed(0);
  spec.set_quality(0);

  const absl::StatusOr<UpscaleTask> task = Make(spec);

  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->guidance_scale, 0);
  EXPECT_EQ(task->seed, 0U);
  EXPECT_EQ(task->output.quality, 0);
}

TEST(MakeTaskTest, RefusesNumbersOutOfRange) {
  v1::UpscaleSpec spec;
  for (const std::uint32_t steps : {0U, 201U, 1'000'000'000U}) {
    spec.set_num_inference_steps(steps);
    ExpectRefused(spec, "num_inference_steps", "1 to 200 is allowed");
  }
  spec = {};
  for (const std::uint32_t count : {0U, 11U}) {
    spec.set_image_count(count);
    ExpectRefused(spec, "image_count", "1 to 10 is allowed");
  }
  spec = {};
  spec.set_quality(101);
  ExpectRefused(spec, "quality", "0 to 100 is allowed");
}

v1::UpscaleSpec ResizedTo(std::uint32_t width, std::uint32_t height) {
  v1::UpscaleSpec spec;
  spec.mutable_resize_to()->set_width(width);
  spec.mutable_resize_to()->set_height(height);
  return spec;
}

TEST(MakeTaskTest, TakesTheSizeToResizeTo) {
  EXPECT_THAT(Make(ResizedTo(1, 65'535))->resize_to,
              Optional(PictureSize{.width = 1, .height = 65'535}));
  EXPECT_EQ(Make({})->resize_to, std::nullopt);
}

TEST(MakeTaskTest, RefusesASizeToResizeToThatIsOutOfRange) {
  for (const std::uint32_t side : {0U, 65'536U, 4'294'967'295U}) {
    ExpectRefused(ResizedTo(side, 1), "resize_to.width", "1 to 65535 is allowed");
    ExpectRefused(ResizedTo(1, side), "resize_to.height", "1 to 65535 is allowed");
  }
}

TEST(MakeTaskTest, ResizesNoLatents) {
  v1::LatentsInfo latents;
  latents.set_family(v1::LATENTS_FAMILY_SERVED_MODEL);
  latents.set_data_type(v1::TENSOR_DATA_TYPE_FLOAT32);
  latents.set_height(2);
  latents.set_width(2);

  const absl::Status status =
      MakeTask(ResizedTo(16, 16), {.bytes = "numbers", .latents = latents}, TimePoint::max(), 0)
          .status();

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FieldOf(status), Optional(std::string("resize_to")));
}

TEST(MakeTaskTest, RefusesGuidanceThatIsNoNumberOrOutOfRange) {
  v1::UpscaleSpec spec;
  for (const double guidance :
       {-0.1, 50.1, std::nan(""), std::numeric_limits<double>::infinity()}) {
    spec.set_guidance_scale(guidance);
    ExpectRefused(spec, "guidance_scale", "0 to 50 is allowed");
  }
}

TEST(MakeTaskTest, RefusesPromptsThatAreTooLongOrHoldANul) {
  v1::UpscaleSpec spec;
  spec.set_prompt(std::string(10'001, 'a'));
  ExpectRefused(spec, "prompt", "at most 10000");
  spec = {};
  spec.set_negative_prompt(std::string("a\0b", 3));
  ExpectRefused(spec, "negative_prompt", "NUL");
}

TEST(MakeTaskTest, RefusesAFormatThatItDoesNotKnow) {
  v1::UpscaleSpec spec;
  spec.set_output_format(static_cast<v1::ImageFormat>(77));
  ExpectRefused(spec, "output_format", "upscaler.v1.ImageFormat");
}

TEST(MakeTaskTest, RefusesAnEmptyPicture) {
  const absl::Status status = MakeTask({}, {}, TimePoint::max(), 0).status();

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FieldOf(status), Optional(std::string("image")));
}

// A spec in which nothing is left out or as it is by default.
v1::UpscaleSpec UnusualPicture() {
  v1::UpscaleSpec spec;
  spec.set_output_format(v1::IMAGE_FORMAT_TIFF);
  spec.set_scale(4);
  spec.set_tile_size(512);
  spec.set_alpha(v1::ALPHA_MODE_DROP);
  spec.set_metadata(v1::METADATA_MODE_STRIP);
  spec.set_bit_depth(16);
  spec.set_lossless(true);
  spec.set_embed_parameters(false);
  return spec;
}

TEST(MakeTaskTest, TakesWhatIsSaidOfThePicture) {
  const absl::StatusOr<UpscaleTask> task = Make(UnusualPicture());

  ASSERT_THAT(task, IsOk());
  EXPECT_EQ(task->scale, 4);
  EXPECT_EQ(task->tile_size, 512);
  EXPECT_EQ(task->alpha, AlphaPolicy::kDrop);
  EXPECT_EQ(task->output.metadata, MetadataPolicy::kStrip);
  EXPECT_EQ(task->output.bits, 16);
  EXPECT_TRUE(task->output.lossless);
  EXPECT_FALSE(task->embed_parameters);
}

TEST(MakeTaskTest, RefusesOtherScales) {
  v1::UpscaleSpec spec;
  for (const std::uint32_t scale : {0U, 1U, 3U, 8U, 4'294'967'295U}) {
    spec.set_scale(scale);
    ExpectRefused(spec, "scale", "2 or 4 is allowed");
  }
}

TEST(MakeTaskTest, TakesTilesOfASizeThatCanBe) {
  v1::UpscaleSpec spec;
  for (const std::uint32_t size : {0U, 64U, 4'096U}) {
    spec.set_tile_size(size);
    EXPECT_EQ(Make(spec)->tile_size, static_cast<int>(size));
  }
  for (const std::uint32_t size : {1U, 63U, 4'097U, 4'294'967'295U}) {
    spec.set_tile_size(size);
    ExpectRefused(spec, "tile_size", "64 to 4096, or 0, is allowed");
  }
}

TEST(MakeTaskTest, Writes16BitsOfFormatsThatHaveThem) {
  v1::UpscaleSpec spec;
  spec.set_bit_depth(16);
  for (const v1::ImageFormat format :
       {v1::IMAGE_FORMAT_UNSPECIFIED, v1::IMAGE_FORMAT_PNG, v1::IMAGE_FORMAT_TIFF}) {
    spec.set_output_format(format);
    EXPECT_EQ(Make(spec)->output.bits, 16);
  }
  for (const v1::ImageFormat format :
       {v1::IMAGE_FORMAT_JPEG, v1::IMAGE_FORMAT_WEBP, v1::IMAGE_FORMAT_AVIF}) {
    spec.set_output_format(format);
    ExpectRefused(spec, "bit_depth", "unless output_format is PNG or TIFF");
    v1::UpscaleSpec usual = spec;
    usual.set_bit_depth(8);
    EXPECT_THAT(Make(usual), IsOk());
  }
  spec = {};
  for (const std::uint32_t bits : {0U, 1U, 12U, 32U}) {
    spec.set_bit_depth(bits);
    ExpectRefused(spec, "bit_depth", "8 or 16 is allowed");
  }
}

TEST(MakeTaskTest, RefusesChoicesThatItDoesNotKnow) {
  v1::UpscaleSpec spec;
  spec.set_alpha(static_cast<v1::AlphaMode>(9));
  ExpectRefused(spec, "alpha", "upscaler.v1.AlphaMode");
  spec = {};
  spec.set_metadata(static_cast<v1::MetadataMode>(9));
  ExpectRefused(spec, "metadata", "upscaler.v1.MetadataMode");
}

TEST(EffectiveSpecTest, SaysWhatIsSaidOfThePicture) {
  const v1::UpscaleSpec effective = EffectiveSpec(*Make(UnusualPicture()));

  v1::UpscaleSpec picture = effective;
  for (const int other : {1, 2, 3, 4, 5, 6, 8, 9, 10}) {
    const auto* const field = v1::UpscaleSpec::descriptor()->FindFieldByNumber(other);
    v1::UpscaleSpec::GetReflection()->ClearField(&picture, field);
  }
  EXPECT_EQ(picture.SerializeAsString(), UnusualPicture().SerializeAsString());
}

TEST(EffectiveSpecTest, LeavesNothingOutButASizeToResizeTo) {
  UpscaleTask task;
  task.prompt = "a";
  task.negative_prompt = "b";

  const v1::UpscaleSpec effective = EffectiveSpec(task);

  const auto* const fields = v1::UpscaleSpec::descriptor();
  for (int i = 0; i < fields->field_count(); ++i) {
    const auto* const field = fields->field(i);
    const bool said = v1::UpscaleSpec::GetReflection()->HasField(effective, field);
    EXPECT_EQ(said, field->name() != "resize_to") << field->name();
  }
}

TEST(EffectiveSpecTest, SaysAllThatTheTaskHolds) {
  v1::UpscaleSpec spec;
  spec.set_prompt("a cat");
  spec.set_seed(7);
  spec.set_output_format(v1::IMAGE_FORMAT_WEBP);

  const v1::UpscaleSpec effective = EffectiveSpec(*Make(spec));

  EXPECT_EQ(effective.prompt(), "a cat");
  EXPECT_EQ(effective.seed(), 7U);
  EXPECT_EQ(effective.output_format(), v1::IMAGE_FORMAT_WEBP);
  EXPECT_EQ(effective.num_inference_steps(), 25U);
  EXPECT_TRUE(effective.has_guidance_scale());
  EXPECT_FALSE(effective.has_resize_to());
  EXPECT_EQ(EffectiveSpec(*Make(ResizedTo(3, 2))).resize_to().width(), 3U);
  EXPECT_EQ(EffectiveSpec(*Make(ResizedTo(3, 2))).resize_to().height(), 2U);
  EXPECT_TRUE(effective.has_quality());
}

TEST(MakeTaskTest, WantsToKnowWhoMadeLatentsAndOfWhatNumbers) {
  v1::LatentsInfo latents;
  latents.set_height(8);
  latents.set_width(8);
  const auto field = [&] {
    return FieldOf(MakeTask({}, {.bytes = "x", .latents = latents}, TimePoint::max(), 0).status());
  };

  EXPECT_THAT(field(), Optional(std::string("latents.data_type")));
  latents.set_data_type(v1::TENSOR_DATA_TYPE_FLOAT16);
  EXPECT_THAT(field(), Optional(std::string("latents.family")));
  latents.set_family(v1::LATENTS_FAMILY_STABLE_DIFFUSION_2);
  EXPECT_EQ(field(), std::nullopt);
  latents.set_height(0);
  EXPECT_THAT(field(), Optional(std::string("latents.height")));
  latents.set_height(1);
  latents.set_width(4'000'000'000);
  EXPECT_THAT(field(), Optional(std::string("latents.width")));
}

TEST(MakeTaskTest, RefusesTooManyPreviewsAndATypeThatItDoesNotKnow) {
  v1::UpscaleSpec spec;
  spec.set_preview_count(11);
  ExpectRefused(spec, "preview_count", "0 to 10 is allowed");
  spec = {};
  spec.set_output_type(static_cast<v1::OutputType>(9));
  ExpectRefused(spec, "output_type", "OutputType");
}

}  // namespace
}  // namespace upscaler
