#include "worker/picture_parameters.h"

#include <string>

#include <gtest/gtest.h>

namespace upscaler {
namespace {

const ServiceFacts kService{
    .model = "x2", .digest = "sha256:0123456789abcdef0123", .version = "1.2.3"};

TEST(PictureParametersTest, AreWrittenAsOtherProgramsReadThem) {
  UpscaleTask task;
  task.prompt = "a cat, sharp";
  task.negative_prompt = "blurry";
  task.steps = 10;
  task.guidance_scale = 2.5;

  EXPECT_EQ(DescribeParameters(task, 7, {.width = 640, .height = 480}, kService),
            "a cat, sharp\n"
            "Negative prompt: blurry\n"
            "Steps: 10, Sampler: Euler, CFG scale: 2.5, Seed: 7, Size: 640x480, "
            "Model hash: 0123456789, Model: x2, Upscale by: 2, Version: upscaler 1.2.3");
}

TEST(PictureParametersTest, LeaveOutWhatThereIsNot) {
  ServiceFacts service = kService;
  service.digest = "";

  const std::string text = DescribeParameters(UpscaleTask{}, 0, {.width = 2, .height = 2}, service);

  EXPECT_EQ(text.find("Negative"), std::string::npos);
  EXPECT_EQ(text.find("hash"), std::string::npos);
}

TEST(PictureParametersTest, AreEmptyWhereTheyAreNotWanted) {
  UpscaleTask task;
  task.prompt = "secret";
  task.embed_parameters = false;

  EXPECT_EQ(DescribeParameters(task, 7, {.width = 2, .height = 2}, kService), "");
}

}  // namespace
}  // namespace upscaler
