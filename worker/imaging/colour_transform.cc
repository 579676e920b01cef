#include "worker/imaging/colour_transform.h"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <lcms2.h>

namespace upscaler {
namespace {

struct CloseProfile {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
using Profile = std::unique_ptr<void, CloseProfile>;

Profile OpenProfile(std::string_view bytes, int channels) {
  Profile profile(cmsOpenProfileFromMem(bytes.data(), static_cast<cmsUInt32Number>(bytes.size())));
  const auto wanted = channels == 1 ? cmsSigGrayData : cmsSigRgbData;
  if (profile != nullptr && cmsGetColorSpace(profile.get()) != wanted) return nullptr;
  return profile;
}

cmsUInt32Number FormatOf(SampleForm form) {
  if (form.channels == 1) return form.bits == 8 ? TYPE_GRAY_8 : TYPE_GRAY_16;
  return form.bits == 8 ? TYPE_RGB_8 : TYPE_RGB_16;
}

std::shared_ptr<void> Connect(const Profile& from, SampleForm from_form, const Profile& to,
                              SampleForm to_form) {
  if (from == nullptr || to == nullptr) return nullptr;
  // Without the cache of one pixel, which threads would share.
  void* transform =
      cmsCreateTransform(from.get(), FormatOf(from_form), to.get(), FormatOf(to_form),
                         INTENT_RELATIVE_COLORIMETRIC, cmsFLAGS_NOCACHE | cmsFLAGS_HIGHRESPRECALC);
  if (transform == nullptr) return nullptr;
  return {transform, &cmsDeleteTransform};
}

}  // namespace

std::optional<ColourTransform> ColourTransform::ToSrgb(std::string_view profile, SampleForm from,
                                                       int to_bits) {
  auto transform = Connect(OpenProfile(profile, from.channels), from,
                           Profile(cmsCreate_sRGBProfile()), {.channels = 3, .bits = to_bits});
  if (transform == nullptr) return std::nullopt;
  return ColourTransform(std::move(transform));
}

std::optional<ColourTransform> ColourTransform::FromSrgb(std::string_view profile, int from_bits,
                                                         SampleForm to) {
  auto transform = Connect(Profile(cmsCreate_sRGBProfile()), {.channels = 3, .bits = from_bits},
                           OpenProfile(profile, to.channels), to);
  if (transform == nullptr) return std::nullopt;
  return ColourTransform(std::move(transform));
}

void ColourTransform::Apply(const void* from, void* to, std::size_t pixels) const {
  cmsDoTransform(transform_.get(), from, to, static_cast<cmsUInt32Number>(pixels));
}

bool IsSrgb(std::string_view profile, int channels) {
  constexpr int kSteps = 16;  // A channel, both ends among them.
  constexpr int kStep = 255 / (kSteps - 1);
  constexpr int kAllowed = 1;
  std::vector<std::uint8_t> given;
  std::vector<std::uint8_t> same;  // The same in RGB.
  if (channels == 1) {
    for (int grey = 0; grey <= 255; ++grey) {
      given.push_back(static_cast<std::uint8_t>(grey));
      same.insert(same.end(), 3, given.back());
    }
  } else {
    for (int i = 0; i < kSteps * kSteps * kSteps; ++i) {
      for (const int step : {i % kSteps, i / kSteps % kSteps, i / kSteps / kSteps}) {
        given.push_back(static_cast<std::uint8_t>(step * kStep));
      }
    }
    same = given;
  }
  // In eight bits: the profiles that are called sRGB differ among themselves by more than a
  // level's fraction where it is dark.
  const auto transform = ColourTransform::ToSrgb(profile, {.channels = channels, .bits = 8}, 8);
  if (!transform.has_value()) return false;

  std::vector<std::uint8_t> seen(same.size());
  transform->Apply(given.data(), seen.data(), same.size() / 3);
  for (std::size_t i = 0; i < same.size(); ++i) {
    if (std::abs(int{seen[i]} - int{same[i]}) > kAllowed) return false;
  }
  return true;
}

}  // namespace upscaler
