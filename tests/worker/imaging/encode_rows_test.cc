// EncodePicture of pictures that come to be from the top.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/started_vips.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/imaging/sample_files.h"
#include "worker/imaging/encode.h"
#include "worker/imaging/resize.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;

// A picture in bands of some rows, the last of which may be fewer.
class Bands : public PictureRows {
 public:
  Bands(Image image, int rows) : image_(std::move(image)), rows_(rows) {}

  int width() const override { return image_.width; }
  int height() const override { return image_.height; }
  int bits() const override { return image_.bits; }

  absl::StatusOr<Image> Next() override {
    ++given_;
    const int rows = std::min(rows_, image_.height - top_);
    const auto from = static_cast<std::ptrdiff_t>(image_.bytes_per_row()) * top_;
    const auto size = static_cast<std::ptrdiff_t>(image_.bytes_per_row()) * rows;
    top_ += rows;
    return Image{.width = image_.width,
                 .height = rows,
                 .bits = image_.bits,
                 .pixels = {image_.pixels.begin() + from, image_.pixels.begin() + from + size}};
  }

  int given() const { return given_; }

 private:
  const Image image_;
  const int rows_;
  int top_ = 0;
  int given_ = 0;
};

// Fails after some bands.
class FailingRows : public PictureRows {
 public:
  explicit FailingRows(int bands) : bands_(bands) {}

  int width() const override { return 50; }
  int height() const override { return 400; }
  int bits() const override { return 8; }

  absl::StatusOr<Image> Next() override {
    if (bands_-- <= 0) return WithReason(absl::CancelledError("the client has left"), "GONE");
    return test::Ramps(50, 40);
  }

 private:
  int bands_;
};

class EncodeRowsTest : public ::testing::Test {
 protected:
  VipsLibrary& vips_ = test::StartedVips();
};

TEST_F(EncodeRowsTest, WritesWhatTheWholePictureWouldGive) {
  const Image image = test::Ramps(61, 203);
  const PictureTraits traits{.alpha = std::make_shared<const AlphaPlane>(AlphaPlane{
                                 .width = 2, .height = 2, .samples = {0, 80, 160, 240}})};
  for (const ImageFormat format : WritableFormats()) {
    for (const int rows : {1, 7, 64, 203}) {
      Bands bands(image, rows);
      const EncodeOptions options = {.format = format, .parameters = "a cat"};

      const auto file = EncodePicture(bands, 60, 201, traits, options);

      ASSERT_THAT(file, IsOk());
      EXPECT_TRUE(*file == *EncodePicture(image, 60, 201, traits, options))
          << NameOf(format) << " by " << rows;
    }
  }
}

TEST_F(EncodeRowsTest, ConvertsColoursOnTheWay) {
  const std::string profile =
      test::BlobOf(test::InProfile(test::Flat(1, 1, {0, 0, 0}), "p3"), VIPS_META_ICC_NAME);
  for (const PictureTraits& traits : {PictureTraits{.profile = profile}, {.grey = true}}) {
    const Image image = test::Ramps(30, 90);
    Bands bands(image, 11);

    const auto file = EncodePicture(bands, 30, 90, traits, {.bits = 16});

    ASSERT_THAT(file, IsOk());
    EXPECT_EQ(*file, *EncodePicture(image, 30, 90, traits, {.bits = 16}));
  }
}

TEST_F(EncodeRowsTest, AsksForNoMoreThanIsWanted) {
  Bands bands(test::Ramps(20, 1000), 100);

  ASSERT_THAT(EncodePicture(bands, 20, 250, {}, {}), IsOk());

  EXPECT_EQ(bands.given(), 3);
}

TEST_F(EncodeRowsTest, AnswersWithTheErrorThatTheRowsEndIn) {
  for (const ImageFormat format : WritableFormats()) {
    for (const int bands : {0, 1, 9}) {
      FailingRows rows(bands);

      const auto file = EncodePicture(rows, 50, 400, {}, {.format = format});

      EXPECT_THAT(file, StatusIs(absl::StatusCode::kCancelled)) << NameOf(format);
      EXPECT_EQ(ReasonOf(file.status()), "GONE");
    }
  }
}

TEST_F(EncodeRowsTest, ReportsWantOfMemory) {
  class HungryRows : public FailingRows {
   public:
    HungryRows() : FailingRows(0) {}
    absl::StatusOr<Image> Next() override { throw std::bad_alloc(); }
  };
  HungryRows rows;

  const auto file = EncodePicture(rows, 50, 400, {}, {});

  EXPECT_THAT(file, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(ReasonOf(file.status()), "OUT_OF_MEMORY");
}

TEST_F(EncodeRowsTest, RefusesRowsOfAnotherWidth) {
  class NarrowRows : public FailingRows {
   public:
    NarrowRows() : FailingRows(0) {}
    absl::StatusOr<Image> Next() override { return test::Ramps(49, 40); }
  };
  NarrowRows rows;

  EXPECT_THAT(EncodePicture(rows, 50, 400, {}, {}), StatusIs(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace upscaler
