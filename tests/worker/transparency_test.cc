// What becomes of a picture's transparency on its way through the worker.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/pictures.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/upscaler_fixture.h"
#include "worker/imaging/codec.h"
#include "worker/imaging/image.h"

namespace upscaler {
namespace {

using test::Gradient;
using test::IsOk;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TransparencyTest : public test::UpscalerFixture {
 protected:
  // A task whose picture is everywhere as opaque as this.
  UpscaleTask TaskOf(std::uint8_t alpha, ImageFormat format) {
    const PictureTraits traits{
        .alpha = std::make_shared<const AlphaPlane>(AlphaPlane{
            .width = 16, .height = 16, .samples = std::vector<std::uint8_t>(16 * 16, alpha)})};
    UpscaleTask task = Task(16, 16);
    task.input = EncodePicture(Gradient(16, 16), 16, 16, traits, {}).value();
    task.output.format = format;
    return task;
  }
};

TEST_F(TransparencyTest, ComesBackDoubled) {
  StartReplica();

  const absl::StatusOr<UpscaleOutcome> outcome = Run(TaskOf(200, ImageFormat::kPng));

  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->warnings, IsEmpty());
  const auto answer = DecodePicture(outcome->pictures[0].encoded, {}, AlphaPolicy::kKeep);
  ASSERT_THAT(answer, IsOk());
  ASSERT_NE(answer->traits->alpha, nullptr);
  EXPECT_EQ(answer->traits->alpha->width, 32);
  EXPECT_THAT(answer->traits->alpha->samples, Each(200));
}

TEST_F(TransparencyTest, IsLaidOverWhiteForAFormatThatHasNone) {
  StartReplica();

  const absl::StatusOr<UpscaleOutcome> outcome = Run(TaskOf(0, ImageFormat::kJpeg));

  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->warnings, ElementsAre(HasSubstr("JPEG has no transparency")));
  const absl::StatusOr<Image> image = DecodeImage(outcome->pictures[0].encoded, {});
  ASSERT_THAT(image, IsOk());
  EXPECT_THAT(image->pixels, Each(255));
}

}  // namespace
}  // namespace upscaler
