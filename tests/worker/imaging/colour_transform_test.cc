#include "worker/imaging/colour_transform.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <lcms2.h>
#include <vips/vips8>

#include "tests/support/started_vips.h"
#include "tests/worker/imaging/sample_files.h"

namespace upscaler {
namespace {

std::string Serialized(cmsHPROFILE profile) {
  cmsUInt32Number size = 0;
  cmsSaveProfileToMem(profile, nullptr, &size);
  std::string bytes(size, '\0');
  cmsSaveProfileToMem(profile, bytes.data(), &size);
  cmsCloseProfile(profile);
  return bytes;
}

// Of primaries and one power: Adobe's RGB is like this.
std::string WideProfile() {
  const cmsCIExyY white = {0.3127, 0.3290, 1};
  const cmsCIExyYTRIPLE primaries = {{0.64, 0.33, 1}, {0.21, 0.71, 1}, {0.15, 0.06, 1}};
  cmsToneCurve* curve = cmsBuildGamma(nullptr, 2.19921875);
  std::array<cmsToneCurve*, 3> curves = {curve, curve, curve};
  const std::string profile = Serialized(cmsCreateRGBProfile(&white, &primaries, curves.data()));
  cmsFreeToneCurve(curve);
  return profile;
}

std::string GreyProfile(double gamma) {
  cmsToneCurve* curve = cmsBuildGamma(nullptr, gamma);
  const std::string profile = Serialized(cmsCreateGrayProfile(cmsD50_xyY(), curve));
  cmsFreeToneCurve(curve);
  return profile;
}

std::string NamedProfile(const char* name) {
  test::StartedVips();
  return test::BlobOf(test::InProfile(test::Flat(1, 1, {0, 0, 0}), name), VIPS_META_ICC_NAME);
}

// Colours of sRGB, and so within every larger profile: [n, 3].
std::vector<std::uint8_t> Colours() {
  std::vector<std::uint8_t> colours;
  for (int i = 0; i < 40 * 40 * 40; ++i) {
    for (const int step : {i % 40, i / 40 % 40, i / 1600}) {
      colours.push_back(static_cast<std::uint8_t>(std::min(step * 13 / 2, 255)));
    }
  }
  return colours;
}

// The worst level by which colours that fit into sRGB miss after going there and back.
int WorstRoundTrip(const std::string& profile) {
  const std::vector<std::uint8_t> srgb = Colours();
  const std::size_t count = srgb.size() / 3;
  std::vector<std::uint8_t> own(srgb.size());
  std::vector<std::uint16_t> seen(srgb.size());
  std::vector<std::uint8_t> back(srgb.size());
  ColourTransform::FromSrgb(profile, 8, {.channels = 3, .bits = 8})
      ->Apply(srgb.data(), own.data(), count);

  ColourTransform::ToSrgb(profile, {.channels = 3, .bits = 8}, 16)
      ->Apply(own.data(), seen.data(), count);
  ColourTransform::FromSrgb(profile, 16, {.channels = 3, .bits = 8})
      ->Apply(seen.data(), back.data(), count);

  int worst = 0;
  for (std::size_t i = 0; i < own.size(); ++i) worst = std::max(worst, std::abs(own[i] - back[i]));
  return worst;
}

TEST(ColourTransformTest, GoesThereAndBackWithinALevel) {
  EXPECT_LE(WorstRoundTrip(NamedProfile("p3")), 1);
  EXPECT_LE(WorstRoundTrip(WideProfile()), 1);
}

TEST(ColourTransformTest, GoesThereAndBackInSixteenBits) {
  const std::string profile = NamedProfile("p3");
  const std::vector<std::uint16_t> own = {12'345, 23'456, 34'567};
  std::vector<std::uint16_t> seen(3);
  std::vector<std::uint16_t> back(3);

  ColourTransform::ToSrgb(profile, {.channels = 3, .bits = 16}, 16)
      ->Apply(own.data(), seen.data(), 1);
  ColourTransform::FromSrgb(profile, 16, {.channels = 3, .bits = 16})
      ->Apply(seen.data(), back.data(), 1);

  EXPECT_NE(seen, own);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(back[i], own[i], 64);
}

TEST(ColourTransformTest, SeesWhatAColourIsInSrgb) {
  const std::vector<std::uint8_t> red = {255, 0, 0};  // Beyond sRGB's.
  std::vector<std::uint8_t> seen(3);

  ColourTransform::ToSrgb(WideProfile(), {.channels = 3, .bits = 8}, 8)
      ->Apply(red.data(), seen.data(), 1);

  EXPECT_EQ(seen, (std::vector<std::uint8_t>{255, 0, 0}));
}

TEST(ColourTransformTest, TurnsGreyIntoColoursAndBack) {
  const std::string profile = GreyProfile(1.0);  // Of light itself.
  std::vector<std::uint8_t> own;
  for (int grey = 0; grey < 256; ++grey) own.push_back(static_cast<std::uint8_t>(grey));
  std::vector<std::uint16_t> seen(3 * own.size());
  std::vector<std::uint8_t> back(own.size());

  ColourTransform::ToSrgb(profile, {.channels = 1, .bits = 8}, 16)
      ->Apply(own.data(), seen.data(), own.size());
  ColourTransform::FromSrgb(profile, 16, {.channels = 1, .bits = 8})
      ->Apply(seen.data(), back.data(), own.size());

  EXPECT_NEAR(seen[3 * 128] / 257.0, 188, 1);  // Half the light.
  for (std::size_t i = 0; i < own.size(); ++i) EXPECT_NEAR(back[i], own[i], 1) << i;
}

TEST(ColourTransformTest, RefusesWhatIsNoProfileOrOfOtherChannels) {
  EXPECT_FALSE(ColourTransform::ToSrgb("this is none", {}, 8).has_value());
  EXPECT_FALSE(ColourTransform::ToSrgb("", {}, 8).has_value());
  EXPECT_FALSE(ColourTransform::ToSrgb(NamedProfile("p3"), {.channels = 1}, 8).has_value());
  EXPECT_FALSE(ColourTransform::FromSrgb(NamedProfile("cmyk"), 8, {}).has_value());
}

TEST(ColourTransformTest, KnowsSrgbWhateverItIsCalled) {
  EXPECT_TRUE(IsSrgb(NamedProfile("srgb"), 3));
  EXPECT_TRUE(IsSrgb(Serialized(cmsCreate_sRGBProfile()), 3));
  EXPECT_FALSE(IsSrgb(NamedProfile("p3"), 3));
  EXPECT_FALSE(IsSrgb(WideProfile(), 3));
  EXPECT_FALSE(IsSrgb(GreyProfile(1.8), 1));
  EXPECT_FALSE(IsSrgb(NamedProfile("srgb"), 1));
  EXPECT_FALSE(IsSrgb("this is none", 3));
}

}  // namespace
}  // namespace upscaler
