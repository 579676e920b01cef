#include "server/service/server_info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using ::testing::ElementsAre;

TEST(ServerInfoTest, CountsTheReplicasOfEachDevice) {
  const v1::GetServerInfoResponse info =
      DescribeServer({.devices = {"cuda:0", "cpu", "cuda:0"}, .data_type = "float16"});

  ASSERT_EQ(info.devices_size(), 2);
  EXPECT_EQ(info.devices(0).name(), "cuda:0");
  EXPECT_EQ(info.devices(0).replicas(), 2U);
  EXPECT_EQ(info.devices(0).data_type(), "float16");
  EXPECT_EQ(info.devices(1).name(), "cpu");
  EXPECT_EQ(info.devices(1).replicas(), 1U);
}

TEST(ServerInfoTest, TellsTheDefaultsThatRequestsGet) {
  const v1::UpscaleSpec defaults = DescribeServer({}).defaults();

  EXPECT_EQ(defaults.num_inference_steps(), 25U);
  EXPECT_EQ(defaults.guidance_scale(), 7.5);
  EXPECT_EQ(defaults.output_format(), v1::IMAGE_FORMAT_PNG);
  EXPECT_EQ(defaults.scale(), 2U);
  EXPECT_TRUE(defaults.has_tile_size());
  EXPECT_EQ(defaults.metadata(), v1::METADATA_MODE_KEEP);
  EXPECT_TRUE(defaults.embed_parameters());
  EXPECT_FALSE(defaults.has_seed());
}

TEST(ServerInfoTest, TellsWhatIsReadAndWritten) {
  const v1::GetServerInfoResponse info = DescribeServer({});

  EXPECT_THAT(info.input_media_types(),
              ElementsAre("image/png", "image/jpeg", "image/webp", "image/tiff", "image/gif",
                          "image/avif", "image/heic", "image/heif"));
  EXPECT_THAT(info.output_formats(),
              ElementsAre(v1::IMAGE_FORMAT_PNG, v1::IMAGE_FORMAT_JPEG, v1::IMAGE_FORMAT_WEBP,
                          v1::IMAGE_FORMAT_TIFF, v1::IMAGE_FORMAT_AVIF));
  EXPECT_THAT(info.scales(), ElementsAre(2, 4));
  EXPECT_EQ(info.limits().max_tile_size(), 4096U);
}

TEST(ServerInfoTest, NamesTheLatentsThatTheModelTakes) {
  v1::GetServerInfoResponse::Model own;
  v1::GetServerInfoResponse::Model standard;

  DescribeLatents({.channels = 6, .reduction = 2, .stable_diffusion = false}, own);
  DescribeLatents({}, standard);

  EXPECT_THAT(own.latents_families(), ElementsAre(v1::LATENTS_FAMILY_SERVED_MODEL));
  EXPECT_EQ(own.latents_channels(), 6U);
  EXPECT_THAT(standard.latents_families(),
              ElementsAre(v1::LATENTS_FAMILY_STABLE_DIFFUSION_1,
                          v1::LATENTS_FAMILY_STABLE_DIFFUSION_2, v1::LATENTS_FAMILY_SERVED_MODEL));
  EXPECT_EQ(standard.latents_reduction(), 8U);
}

}  // namespace
}  // namespace upscaler
