// Pictures of all kinds on their whole way: a file, what the model sees, its double, a file.
// In the model's place stands a plain bicubic doubling.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vips/vips8>

#include "tests/support/started_vips.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/imaging/image_matchers.h"
#include "tests/worker/imaging/sample_files.h"
#include "worker/imaging/decode.h"
#include "worker/imaging/encode.h"
#include "worker/imaging/exif.h"
#include "worker/imaging/resize.h"
#include "worker/imaging/vips_image.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::ToVips;
using vips::VImage;

// A kind of source file.
struct Kind {
  const char* name;
  const char* suffix;  // libvips'.
  int channels = 3;
  bool alpha = false;
  int bits = 8;
  const char* profile = nullptr;
  // Levels by which its pixels may miss: of lossy files, of colours that were moved, of palettes.
  double tolerance = 1;
};

constexpr std::array kKinds = {
    Kind{.name = "PNG", .suffix = ".png"},
    Kind{.name = "PNG, interlaced", .suffix = ".png[interlace]"},
    Kind{.name = "PNG, alpha", .suffix = ".png", .alpha = true},
    Kind{.name = "PNG, 16 bits", .suffix = ".png", .bits = 16},
    Kind{.name = "PNG, 16 bits, alpha", .suffix = ".png", .alpha = true, .bits = 16},
    Kind{.name = "PNG, grey", .suffix = ".png", .channels = 1},
    Kind{.name = "PNG, grey, alpha", .suffix = ".png", .channels = 1, .alpha = true},
    Kind{.name = "PNG, grey, 16 bits", .suffix = ".png", .channels = 1, .bits = 16},
    Kind{.name = "PNG, P3", .suffix = ".png", .profile = "p3", .tolerance = 2},
    Kind{.name = "PNG, P3, 16 bits, alpha",
         .suffix = ".png",
         .alpha = true,
         .bits = 16,
         .profile = "p3",
         .tolerance = 2},
    Kind{.name = "PNG, sRGB profile", .suffix = ".png", .profile = "srgb", .tolerance = 2},
    Kind{.name = "TIFF", .suffix = ".tif"},
    Kind{.name = "TIFF, tiles", .suffix = ".tif[tile,compression=lzw]"},
    Kind{.name = "TIFF, 16 bits, alpha", .suffix = ".tif", .alpha = true, .bits = 16},
    Kind{.name = "TIFF, grey", .suffix = ".tif", .channels = 1},
    Kind{.name = "WebP", .suffix = ".webp[lossless]"},
    Kind{.name = "WebP, alpha", .suffix = ".webp[lossless]", .alpha = true},
    Kind{.name = "WebP, lossy, P3", .suffix = ".webp[Q=95]", .profile = "p3", .tolerance = 20},
    Kind{.name = "JPEG", .suffix = ".jpg[Q=97]", .tolerance = 9},
    Kind{.name = "JPEG, grey", .suffix = ".jpg[Q=97]", .channels = 1, .tolerance = 6},
    Kind{.name = "JPEG, P3", .suffix = ".jpg[Q=97]", .profile = "p3", .tolerance = 9},
    Kind{.name = "AVIF", .suffix = ".avif[lossless,Q=97]", .tolerance = 3},
    Kind{.name = "AVIF, alpha", .suffix = ".avif[lossless,Q=97]", .alpha = true, .tolerance = 3},
};

// sRGB as the picture of this kind shows it, without its alpha.
Image Shown(const Kind& kind, int width, int height) {
  const VImage waves = ToVips(test::Waves(width, height));
  if (kind.channels == 3) return ToImage(waves);
  const VImage grey = waves.extract_band(0);
  return ToImage(VImage::bandjoin(std::vector<VImage>{grey, grey, grey})
                     .copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB)));
}

// A file that shows this.
std::string Source(const Kind& kind, const Image& shown, int orientation) {
  VImage image = ToVips(shown);
  if (kind.channels == 1) image = image.extract_band(0);
  if (kind.profile != nullptr) image = test::InProfile(image, kind.profile);
  if (kind.alpha) {
    // From half clear to opaque.
    const VImage ramp = VImage::xyz(shown.width, shown.height).extract_band(0);
    image = image.bandjoin((ramp * (127.0 / shown.width) + 128).cast(VIPS_FORMAT_UCHAR));
  }
  if (kind.bits == 16) image = image.linear(257, 0).cast(VIPS_FORMAT_USHORT);
  image = image.copy(VImage::option()->set("interpretation", SpaceOf(kind.channels, kind.bits)));
  // A PNG says it in EXIF, which libvips writes there only if there is some.
  test::SetBlob(image, VIPS_META_EXIF_NAME, EditExif("", {}));
  image.set(VIPS_META_ORIENTATION, orientation);
  return test::FileOf(image, kind.suffix);
}

Image Turned(const Image& image, int orientation) {
  VImage turned = ToVips(image).copy();
  turned.set(VIPS_META_ORIENTATION, orientation);
  return ToImage(turned.autorot());
}

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

class RoundTripTest : public ::testing::TestWithParam<Kind> {
 protected:
  RoundTripTest() { test::StartedVips(); }

  static Image Doubled(const Image& image) {
    absl::StatusOr<Image> doubled = ResizeImage(image, 2 * image.width, 2 * image.height);
    EXPECT_THAT(doubled, IsOk());
    return *std::move(doubled);
  }

  static std::optional<DecodedPicture> Decode(const std::string& file) {
    absl::StatusOr<DecodedPicture> picture =
        DecodePicture(file, {.max_pixels = 1 << 27}, AlphaPolicy::kKeep);
    EXPECT_THAT(picture, IsOk());
    if (!picture.ok()) return std::nullopt;
    return *std::move(picture);
  }

  // Sends one picture through, and compares the answer with what it should be.
  static void Try(const Kind& kind, int width, int height, int orientation, ImageFormat format) {
    SCOPED_TRACE(fmt::format("{} {}x{}, orientation {}, to {}", kind.name, width, height,
                             orientation, NameOf(format)));
    const Image shown = Shown(kind, width, height);
    const auto came = Decode(Source(kind, shown, orientation));
    ASSERT_TRUE(came.has_value());
    const Image result = Doubled(came->image);
    const int bits = FormatHas16Bits(format) ? came->traits->bits : 8;

    const auto file =
        EncodePicture(result, result.width, result.height, *came->traits,
                      {.format = format, .quality = 97, .lossless = true, .bits = bits});

    ASSERT_THAT(file, IsOk());
    const auto answer = Decode(*file);
    ASSERT_TRUE(answer.has_value());
    const double lost = format == ImageFormat::kJpeg ? 9 : format == ImageFormat::kAvif ? 3 : 1;
    EXPECT_THAT(answer->image,
                test::ImageNear(Doubled(Turned(shown, orientation)), kind.tolerance + lost));
    EXPECT_EQ(answer->traits->profile, came->traits->profile);
    EXPECT_EQ(answer->traits->profile.empty(), kind.profile == nullptr);
    EXPECT_EQ(answer->traits->bits, bits);
    EXPECT_EQ(answer->traits->grey, kind.channels == 1 && FormatHasGrey(format));
    ASSERT_EQ(answer->traits->alpha != nullptr, kind.alpha && FormatHasAlpha(format));
    if (answer->traits->alpha == nullptr || orientation != 1) return;
    // The ramp, doubled.
    const AlphaPlane& alpha = *answer->traits->alpha;
    for (int x = 4; x < 2 * width - 4; ++x) {
      const double expected = 128 + 127.0 / width * ((x + 0.5) / 2 - 0.5);
      const auto byte = static_cast<std::size_t>((x + 1) * (alpha.bits / 8) - 1);
      EXPECT_NEAR(alpha.samples[byte], expected, 3) << x;
    }
  }
};

TEST_P(RoundTripTest, GivesItBackAsItCameAndTwiceAsLarge) {
  for (const auto& [width, height] : {std::pair(1, 1), {31, 17}, {53, 64}}) {
    Try(GetParam(), width, height, 1, ImageFormat::kPng);
  }
}

TEST_P(RoundTripTest, TurnsItUpright) {
  // HEIF says itself how its pixels lie, and libvips writes them upright.
  if (std::string(GetParam().suffix).starts_with(".avif")) return;
  for (int orientation = 2; orientation <= 8; ++orientation) {
    Try(GetParam(), 29, 18, orientation, ImageFormat::kPng);
  }
}

TEST_P(RoundTripTest, AnswersInEveryFormat) {
  for (const ImageFormat format : WritableFormats()) {
    if (GetParam().alpha && !FormatHasAlpha(format)) continue;
    Try(GetParam(), 37, 29, 1, format);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, RoundTripTest, ::testing::ValuesIn(kKinds));

class RoundTripOfSizesTest : public RoundTripTest {};

TEST_P(RoundTripOfSizesTest, TakesThinPictures) {
  Try(GetParam(), 8191, 3, 1, ImageFormat::kPng);
  Try(GetParam(), 3, 8191, 1, ImageFormat::kPng);
}

INSTANTIATE_TEST_SUITE_P(Kinds, RoundTripOfSizesTest,
                         ::testing::Values(kKinds[0], kKinds[2], kKinds[8]));

class RoundTripOfLargePicturesTest : public RoundTripTest {};

TEST_P(RoundTripOfLargePicturesTest, TakesThem) {
  Try(GetParam(), 4096, 4096, 1, ImageFormat::kPng);
}

INSTANTIATE_TEST_SUITE_P(Plain, RoundTripOfLargePicturesTest, ::testing::Values(kKinds[0]));

}  // namespace
}  // namespace upscaler
