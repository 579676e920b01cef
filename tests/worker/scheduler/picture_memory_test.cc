#include "worker/scheduler/picture_memory.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::StatusIs;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Optional;

constexpr SideRule kSides = {.multiple = 64, .minimum = 64};
constexpr BatchKey kWide = {.width = 1024, .height = 512, .guided = true};

TEST(PictureMemoryTest, NamesTheSizeThatWasAskedForAndOneThatFits) {
  const absl::Status status = TooLargeForMemory(kWide, /*needed=*/400, /*available=*/100, kSides);

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(ReasonOf(status), Optional(Eq("OUT_OF_MEMORY")));
  EXPECT_THAT(status.message(), HasSubstr("a picture of 1024x512"));
  EXPECT_THAT(status.message(), HasSubstr("one of 512x256 should fit"));
}

TEST(PictureMemoryTest, NamesASizeThatKeepsTheModelsRule) {
  const absl::Status status = TooLargeForMemory(kWide, /*needed=*/300, /*available=*/100, kSides);

  // A third of the pixels would be 591x295.
  EXPECT_THAT(status.message(), HasSubstr("one of 576x256 should fit"));
}

TEST(PictureMemoryTest, NamesHalfOfThePixelsWhereThePictureShouldHaveFitted) {
  const absl::Status status = TooLargeForMemory(kWide, /*needed=*/100, /*available=*/900, kSides);

  EXPECT_THAT(status.message(), HasSubstr("one of 704x320 should fit"));
}

TEST(PictureMemoryTest, NamesNothingBelowTheModelsMinimum) {
  const absl::Status none = TooLargeForMemory(kWide, /*needed=*/100, /*available=*/0, kSides);
  const absl::Status debt = TooLargeForMemory(kWide, /*needed=*/0, /*available=*/-5, kSides);

  EXPECT_THAT(none.message(), HasSubstr("one of 64x64 should fit"));
  EXPECT_THAT(debt.message(), HasSubstr("one of 64x64 should fit"));
}

TEST(PictureMemoryTest, NamesASideOfTilesThatFits) {
  const absl::Status status =
      TileTooLargeForMemory(1024, /*needed=*/400, /*available=*/100, kSides);

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(ReasonOf(status), Optional(Eq("OUT_OF_MEMORY")));
  EXPECT_THAT(status.message(), HasSubstr("tiles of 1024x1024; tile_size 512 should fit"));
}

}  // namespace
}  // namespace upscaler
