#include "gateway/upscale_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::Optional;

v1::UpscaleResponse TwoPictures() {
  v1::UpscaleResponse response;
  for (std::uint64_t seed : {7U, 8U}) {
    v1::UpscaledImage& image = *response.add_images();
    image.set_data(std::string("\0\1PNG", 5));
    image.set_format(v1::IMAGE_FORMAT_JPEG);
    image.set_seed(seed);
    image.mutable_size()->set_width(64);
    image.mutable_size()->set_height(32);
  }
  v1::UpscaleSpec& spec = *response.mutable_effective_spec();
  spec.set_prompt("a secret");
  spec.set_guidance_scale(7.5);
  spec.set_num_inference_steps(25);
  spec.set_image_count(2);
  spec.set_output_format(v1::IMAGE_FORMAT_JPEG);
  spec.set_quality(90);
  spec.set_scale(4);
  spec.set_tile_size(512);
  spec.set_alpha(v1::ALPHA_MODE_DROP);
  spec.set_metadata(v1::METADATA_MODE_KEEP_ALL);
  spec.set_bit_depth(8);
  spec.set_lossless(true);
  spec.set_embed_parameters(false);
  response.mutable_timings()->mutable_denoise()->set_nanos(250'000'000);
  response.add_warnings("the prompt was cut");
  return response;
}

constexpr std::int64_t kCreated = 1'700'000'000;

TEST(JsonAnswerTest, SaysEverything) {
  const HttpResponse response =
      JsonAnswer(TwoPictures(), {.id = "id-1", .model = "the-model", .created = kCreated});

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(FindHeader(response.headers, "Content-Type"), "application/json");
  const auto answer = nlohmann::json::parse(response.body);
  EXPECT_EQ(answer["created"], kCreated);
  EXPECT_EQ(answer["id"], "id-1");
  EXPECT_EQ(answer["model"], "the-model");
  EXPECT_EQ(answer["output_format"], "jpeg");
  EXPECT_EQ(answer["timings"]["denoise"], 0.25);
  EXPECT_EQ(answer["timings"].size(), 5U);
  EXPECT_EQ(answer["warnings"][0], "the prompt was cut");
  ASSERT_EQ(answer["data"].size(), 2U);
  EXPECT_EQ(answer["data"][1],
            (nlohmann::json{{"b64_json", "AAFQTkc="}, {"seed", 8}, {"width", 64}, {"height", 32}}));
}

TEST(JsonAnswerTest, TellsTheSettingsByTheirRestNamesWithoutThePrompt) {
  const HttpResponse response = JsonAnswer(TwoPictures(), {.created = kCreated});

  EXPECT_EQ(nlohmann::json::parse(response.body)["parameters"],
            (nlohmann::json{{"guidance_scale", 7.5},
                            {"num_inference_steps", 25},
                            {"n", 2},
                            {"output_format", "jpeg"},
                            {"output_compression", 90},
                            {"scale", 4},
                            {"tile_size", 512},
                            {"alpha", "drop"},
                            {"metadata", "all"},
                            {"bit_depth", 8},
                            {"lossless", true},
                            {"embed_parameters", false}}));
}

TEST(JsonAnswerTest, TellsTheSizeThatThePictureWasResizedTo) {
  v1::UpscaleResponse resized = TwoPictures();
  resized.mutable_effective_spec()->mutable_resize_to()->set_width(32);
  resized.mutable_effective_spec()->mutable_resize_to()->set_height(16);

  const HttpResponse response = JsonAnswer(resized, {.created = kCreated});

  EXPECT_EQ(nlohmann::json::parse(response.body)["parameters"]["size"], "32x16");
}

TEST(JsonAnswerTest, GivesDataUrlsWhenAsked) {
  const HttpResponse response = JsonAnswer(
      TwoPictures(), {.created = kCreated, .response_format = UpscaleForm::ResponseFormat::kUrl});

  const auto answer = nlohmann::json::parse(response.body);
  EXPECT_EQ(answer["data"][0]["url"], "data:image/jpeg;base64,AAFQTkc=");
  EXPECT_FALSE(answer["data"][0].contains("b64_json"));
}

TEST(TakePictureTest, LeavesNoBytesBehind) {
  v1::UpscaledImage image;
  image.set_data(std::string(1'000'000, 'x'));
  image.set_seed(7);

  TakePicture(image, UpscaleForm::ResponseFormat::kBase64);

  EXPECT_LT(image.data().capacity(), 1'000U);
  EXPECT_EQ(image.seed(), 7U);
}

TEST(ImageAnswerTest, IsTheBytesWithTheSeedBeside) {
  const HttpResponse response = ImageAnswer(TwoPictures());

  EXPECT_EQ(response.body, std::string("\0\1PNG", 5));
  EXPECT_EQ(FindHeader(response.headers, "Content-Type"), "image/jpeg");
  EXPECT_EQ(FindHeader(response.headers, "Seed"), "7");
}

}  // namespace
}  // namespace upscaler
