#include "worker/imaging/latents.h"

#include <cstdint>
#include <limits>
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
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

constexpr LatentsRule kOneChannel = {.channels = 1, .reduction = 2, .stable_diffusion = false};

// The bytes of float16 numbers, given by their bits.
std::string Halves(const std::vector<std::uint16_t>& bits) {
  std::string bytes;
  for (const std::uint16_t one : bits) {
    bytes += static_cast<char>(one & 0xff);
    bytes += static_cast<char>(one >> 8);
  }
  return bytes;
}

Latents Line(std::vector<float> values) {
  const int width = static_cast<int>(values.size());
  return {.channels = 1, .height = 1, .width = width, .reduction = 2, .values = std::move(values)};
}

void ExpectRefused(const absl::Status& status, const std::string& words) {
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FieldOf(status), Optional(std::string("latents.data")));
  EXPECT_THAT(std::string(status.message()), HasSubstr(words));
}

TEST(LatentsTest, ReadsHalfPrecisionToTheLastBit) {
  // 1, -2, a large one, the smallest normal, the smallest of all, and both zeros.
  const auto latents =
      ParseLatents(Halves({0x3c00, 0xc000, 0x7000, 0x0400, 0x0001, 0x0000, 0x8000}),
                   {.type = TensorType::kFloat16, .height = 1, .width = 7}, kOneChannel);

  ASSERT_THAT(latents, IsOk());
  EXPECT_THAT(latents->values, ElementsAre(1.0F, -2.0F, 8192.0F, 6.103515625e-05F,
                                           5.9604644775390625e-08F, 0.0F, -0.0F));
}

TEST(LatentsTest, WritesWhatItReads) {
  const std::string bytes = SerializeLatents(Line({1.5F, -3.25F, 1e-20F}));

  const auto latents =
      ParseLatents(bytes, {.type = TensorType::kFloat32, .height = 1, .width = 3}, kOneChannel);

  ASSERT_THAT(latents, IsOk());
  EXPECT_EQ(*latents, Line({1.5F, -3.25F, 1e-20F}));
}

TEST(LatentsTest, RefusesBytesThatAreTooFewOrTooMany) {
  const LatentsForm form = {.type = TensorType::kFloat16, .height = 2, .width = 3};
  ExpectRefused(ParseLatents(std::string(11, '\0'), form, kOneChannel).status(), "11 bytes given");
  ExpectRefused(ParseLatents(std::string(13, '\0'), form, kOneChannel).status(), "have 12");
}

TEST(LatentsTest, RefusesNumbersThatAreNotFinite) {
  const LatentsForm form = {.type = TensorType::kFloat16, .height = 1, .width = 2};
  ExpectRefused(ParseLatents(Halves({0x3c00, 0x7c00}), form, kOneChannel).status(),
                "number 1 is inf");
  ExpectRefused(ParseLatents(Halves({0x7e00, 0x3c00}), form, kOneChannel).status(), "number 0");
}

TEST(LatentsTest, ContinuesByReflectionToThePicturesRule) {
  // The picture has sides of 6 and 2; 8 and 4 are wanted.
  const Latents padded = PadByReflection(Line({1, 2, 3}), {.multiple = 4, .minimum = 4});

  EXPECT_EQ(padded.width, 4);
  EXPECT_EQ(padded.height, 2);
  EXPECT_THAT(padded.values, ElementsAre(1, 2, 3, 3, 1, 2, 3, 3));
}

TEST(LatentsTest, CropsEveryChannel) {
  const Latents latents{
      .channels = 2, .height = 2, .width = 2, .reduction = 2, .values = {1, 2, 3, 4, 5, 6, 7, 8}};

  EXPECT_THAT(Crop(latents, 1, 2).values, ElementsAre(1, 3, 5, 7));
}

TEST(LatentsTest, TakesStableDiffusionsOnlyForItsModels) {
  EXPECT_THAT(CheckFamily(LatentsFamily::kStableDiffusion, LatentsRule{}), IsOk());
  EXPECT_THAT(CheckFamily(LatentsFamily::kServedModel, kOneChannel), IsOk());
  const absl::Status refusal = CheckFamily(LatentsFamily::kStableDiffusion, kOneChannel);
  EXPECT_THAT(refusal, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FieldOf(refusal), Optional(std::string("latents.family")));
}

}  // namespace
}  // namespace upscaler
