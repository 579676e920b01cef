// What DecodePicture does with files that are broken, or made to break it.

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vips/vips8>
#include <zlib.h>

#include "common/error_details.h"
#include "tests/support/started_vips.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/imaging/sample_files.h"
#include "worker/imaging/decode.h"
#include "worker/imaging/png_chunks.h"

namespace upscaler {
namespace {

using namespace std::string_literals;
using test::FileOf;
using test::IsOk;
using test::Ramps;
using test::StatusIs;
using test::ToVips;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;

class DecodeHostileTest : public ::testing::Test {
 protected:
  // The message of a refusal, which must be one line that names the field.
  static std::string RefusalOf(const std::string& file) {
    return std::string(StatusOf(file).message());
  }

  static absl::Status StatusOf(const std::string& file) {
    const absl::Status status = DecodePicture(file, {}, AlphaPolicy::kKeep).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(FieldOf(status), Optional(Eq("image")));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("\n")));
    return status;
  }

  static absl::StatusOr<Image> Decode(std::string_view file, const DecodeLimits& limits = {}) {
    auto picture = DecodePicture(file, limits, AlphaPolicy::kKeep);
    if (!picture.ok()) return picture.status();
    return std::move(picture->image);
  }

  // A PNG with these chunks before its one pixel.
  static std::string PngWith(const std::string& chunks) {
    const std::string file = FileOf(vips::VImage::black(1, 1), ".png[strip]");
    constexpr std::size_t kHeader = 33;  // The signature, and what says how large it is.
    return file.substr(0, kHeader) + chunks + file.substr(kHeader);
  }

  static std::string Deflated(std::size_t zeros) {
    const std::string plain(zeros, '\0');
    std::string deflated(compressBound(plain.size()), '\0');
    uLongf size = deflated.size();
    compress(reinterpret_cast<Bytef*>(deflated.data()), &size,  // NOLINT(*-reinterpret-cast)
             reinterpret_cast<const Bytef*>(plain.data()), plain.size());  // NOLINT
    deflated.resize(size);
    return deflated;
  }

  // The most memory that this process has had so far.
  static std::int64_t PeakBytes() {
    std::ifstream status("/proc/self/status");
    std::string word;
    while (status >> word && word != "VmHWM:") {
    }
    std::int64_t kilobytes = 0;
    status >> kilobytes;
    return kilobytes << 10;
  }

  // Small valid files, one of each format, some with less usual features.
  static std::vector<std::string> ValidFiles() {
    const vips::VImage image = ToVips(Ramps(23, 17));
    std::vector<std::string> files;
    for (const char* suffix :
         {".png", ".png[interlace,palette]", ".jpg", ".jpg[interlace]", ".webp", ".webp[lossless]",
          ".tif", ".tif[compression=lzw,tile]", ".gif"}) {
      files.push_back(FileOf(image, suffix));
    }
    return files;
  }

  // Small valid files with all that a file can carry.
  static std::vector<std::string> FullFiles() {
    vips::VImage tagged = test::InProfile(ToVips(Ramps(23, 17)), "p3").bandjoin_const({99}).copy();
    tagged.set("exif-ifd0-Make", "Kodak");
    tagged.set("png-comment-0-Title", "a title");
    test::SetBlob(tagged, VIPS_META_XMP_NAME, "<x:xmpmeta><a exif:GPSx='1'/></x:xmpmeta>");
    std::vector<std::string> files;
    for (const char* suffix : {".png", ".tif", ".webp"}) files.push_back(FileOf(tagged, suffix));
    if (vips_type_find("VipsForeignSave", "heifsave_target") != 0) {
      files.push_back(FileOf(tagged, ".avif"));
    }
    return files;
  }

  VipsLibrary& vips_ = test::StartedVips();
};

TEST_F(DecodeHostileTest, RefusesNothingAtAll) { EXPECT_EQ(RefusalOf(""), "image: is empty"); }

TEST_F(DecodeHostileTest, RefusesWhatIsNoPicture) {
  const std::string message =
      "image: not a picture in a known format (PNG, JPEG, WebP, TIFF, GIF, AVIF, HEIC)";
  EXPECT_EQ(RefusalOf("\0"s), message);
  EXPECT_EQ(RefusalOf("hello"), message);
  EXPECT_EQ(RefusalOf("RIFF\1\0\0\0abcdfmt "s), message);
}

TEST_F(DecodeHostileTest, RefusesOtherFormatsByName) {
  const absl::Status status = StatusOf("BM\x46\0\0\0\0\0\0\0\x36\0\0\0"s);

  EXPECT_EQ(std::string(status.message()),
            "image: is BMP, which is not read here; PNG, JPEG, WebP, TIFF, GIF, AVIF, HEIC are");
  EXPECT_EQ(ReasonOf(status), "UNSUPPORTED_IMAGE_FORMAT");
  EXPECT_THAT(RefusalOf("<svg xmlns='http://www.w3.org/2000/svg'/>"), HasSubstr("is SVG"));
}

TEST_F(DecodeHostileTest, RefusesASignatureAlone) {
  EXPECT_EQ(RefusalOf("\x89PNG\r\n\x1a\n"), "image: the PNG data is damaged or incomplete");
  EXPECT_EQ(RefusalOf("\xff\xd8\xff"), "image: the JPEG data is damaged or incomplete");
  EXPECT_EQ(RefusalOf("RIFF\4\0\0\0WEBP"s), "image: the WebP data is damaged or incomplete");
  EXPECT_EQ(RefusalOf("II*\0"s), "image: the TIFF data is damaged or incomplete");
  EXPECT_EQ(RefusalOf("MM\0*"s), "image: the TIFF data is damaged or incomplete");
  EXPECT_EQ(RefusalOf("GIF89a"), "image: the GIF data is damaged or incomplete");
  EXPECT_EQ(RefusalOf("\0\0\0 ftypavif\0\0\0\0"s), "image: the AVIF data is damaged or incomplete");
}

TEST_F(DecodeHostileTest, RefusesAHugePictureByItsHeader) {
  const std::string png =
      "\x89PNG\r\n\x1a\n"
      "\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x08\x02\0\0\0\x39\x67\x4e\x07"
      "\0\0\0\0IDAT\x35\xaf\x06\x1e"
      "\0\0\0\0IEND\xae\x42\x60\x82"s;
  const std::string gif =
      "GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\0\0\0"
      ",\0\0\0\0\xff\xff\xff\xff\0\x02\x02\x4c\x01\0;"s;

  const std::string message =
      "image: 65535x65535 is 4294836225 pixels; at most 2097152 are allowed";
  EXPECT_EQ(RefusalOf(png), message);
  EXPECT_EQ(RefusalOf(gif), message);
}

TEST_F(DecodeHostileTest, RefusesAFrameThatIsLargerThanItsScreenSays) {
  const std::string gif =
      "GIF89a\4\0\4\0\x80\0\0\0\0\0\0\0\0"
      ",\0\0\0\0\xff\xff\xff\xff\0\x02\x02\x4c\x01\0;"s;

  EXPECT_THAT(RefusalOf(gif), HasSubstr("at most 2097152 are allowed"));
}

TEST_F(DecodeHostileTest, RefusesChunksThatInflateToTooMuchWithoutInflatingThem) {
  constexpr std::size_t kBomb = 100'000'000;
  const std::string bomb = Deflated(kBomb);
  const std::int64_t before = PeakBytes();

  for (const std::string& chunk :
       {PngChunk("iCCP", "icc\0\0"s + bomb), PngChunk("zTXt", "a\0\0"s + bomb),
        PngChunk("iTXt", "XML:com.adobe.xmp\0\1\0\0\0"s + bomb)}) {
    EXPECT_EQ(ReasonOf(StatusOf(PngWith(chunk))), "METADATA_TOO_LARGE");
  }
  std::string many;
  for (int i = 0; i < 20; ++i) many += PngChunk("zTXt", "a\0\0"s + bomb);
  EXPECT_EQ(ReasonOf(StatusOf(PngWith(many))), "METADATA_TOO_LARGE");

  // The bombs' own bytes are some of it; what they inflate to is none.
  constexpr std::int64_t kAllowed = 64 << 20;
  EXPECT_LT(PeakBytes() - before, kAllowed);
}

// libpng would inflate each of them, one after the other.
TEST_F(DecodeHostileTest, RefusesProfilesThatInflateToTooMuchTogether) {
  const std::string profile = PngChunk("iCCP", "icc\0\0"s + Deflated(1 << 20));

  EXPECT_THAT(Decode(PngWith(profile)), IsOk());
  EXPECT_EQ(ReasonOf(StatusOf(PngWith(profile + profile + profile + profile + profile))),
            "METADATA_TOO_LARGE");
}

TEST_F(DecodeHostileTest, RefusesLargeMetadataOfOtherFormats) {
  vips::VImage image = ToVips(Ramps(4, 4)).copy();
  const std::string large((4 << 20) + 1, ' ');
  vips_image_set_blob_copy(image.get_image(), VIPS_META_XMP_NAME, large.data(), large.size());
  EXPECT_EQ(ReasonOf(StatusOf(FileOf(image, ".tif"))), "METADATA_TOO_LARGE");
  EXPECT_EQ(ReasonOf(StatusOf(FileOf(image, ".webp"))), "METADATA_TOO_LARGE");

  vips::VImage described = ToVips(Ramps(4, 4)).copy();
  described.set(VIPS_META_IMAGEDESCRIPTION, large.c_str());
  EXPECT_EQ(ReasonOf(StatusOf(FileOf(described, ".tif"))), "METADATA_TOO_LARGE");
}

TEST_F(DecodeHostileTest, RefusesTooManyFrames) {
  vips::VImage frames = vips::VImage::black(1, 1001).copy();
  frames.set("page-height", 1);

  EXPECT_EQ(ReasonOf(StatusOf(FileOf(frames, ".gif"))), "TOO_MANY_FRAMES");
  EXPECT_EQ(ReasonOf(StatusOf(FileOf(frames, ".tif"))), "TOO_MANY_FRAMES");
  EXPECT_EQ(ReasonOf(StatusOf(PngWith(PngChunk("acTL", "\0\0\x03\xe9\0\0\0\0"s)))),
            "TOO_MANY_FRAMES");
  // Its directory is followed by itself.
  EXPECT_EQ(ReasonOf(StatusOf("II*\0\x08\0\0\0\0\0\x08\0\0\0"s)), "TOO_MANY_FRAMES");
}

// Files are cut at many places. The few last bytes of some formats carry no pixels,
// so what is decoded from there on must be the whole picture.
TEST_F(DecodeHostileTest, NeverAnswersPartOfAPicture) {
  for (const std::string& file : ValidFiles()) {
    const auto whole = Decode(file);
    ASSERT_TRUE(whole.ok()) << whole.status();

    for (std::size_t length = 0; length < file.size(); length += 5) {
      const auto cut = Decode(std::string_view(file).substr(0, length));

      if (cut.ok()) {
        ASSERT_EQ(*cut, *whole) << file.substr(0, 4) << " cut to " << length << " of "
                                << file.size();
      } else {
        ASSERT_THAT(cut, StatusIs(absl::StatusCode::kInvalidArgument));
      }
    }
  }
}

// Bytes are changed at random, always the same ones. Any answer will do, as long
// as there is one: a picture within the limits, or a refusal. tests/fuzz goes on from here.
TEST_F(DecodeHostileTest, SurvivesMutations) {
  constexpr int kCasesPerFile = 20;
  constexpr int kMostChanges = 8;
  constexpr std::int64_t kMaxPixels = 4096;
  std::mt19937 random(20240501);  // NOLINT(cert-msc51-cpp): the same cases every time.

  std::vector<std::string> files = ValidFiles();
  for (std::string& file : FullFiles()) files.push_back(std::move(file));
  for (const std::string& file : files) {
    for (int i = 0; i < kCasesPerFile; ++i) {
      std::string mutant = file;
      for (auto changes = 1 + random() % kMostChanges; changes > 0; --changes) {
        mutant[random() % mutant.size()] = static_cast<char>(random());
      }

      const auto image = Decode(mutant, {.max_pixels = kMaxPixels});

      if (image.ok()) {
        ASSERT_LE(std::int64_t{image->width} * image->height, kMaxPixels);
        ASSERT_EQ(image->pixels.size(),
                  image->bytes_per_row() * static_cast<std::size_t>(image->height));
      } else {
        ASSERT_THAT(image, StatusIs(absl::StatusCode::kInvalidArgument));
      }
    }
  }
}

}  // namespace
}  // namespace upscaler
