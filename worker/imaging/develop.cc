#include "worker/imaging/develop.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "worker/imaging/alpha_fill.h"

namespace upscaler {
namespace {

using vips::VImage;

constexpr int kLevels16 = 65535;

bool IsFloat(const VImage& image) {
  return image.format() == VIPS_FORMAT_FLOAT || image.format() == VIPS_FORMAT_DOUBLE;
}

bool IsGrey(const VImage& image, VipsInterpretation space) {
  return space == VIPS_INTERPRETATION_B_W || space == VIPS_INTERPRETATION_GREY16 ||
         image.bands() < 3;
}

// Whether colours are red, green and blue, or one grey, whatever the number of bits.
bool IsRgbOrGrey(VipsInterpretation space) {
  switch (space) {
    case VIPS_INTERPRETATION_B_W:
    case VIPS_INTERPRETATION_GREY16:
    case VIPS_INTERPRETATION_sRGB:
    case VIPS_INTERPRETATION_RGB:
    case VIPS_INTERPRETATION_RGB16:
    case VIPS_INTERPRETATION_scRGB:
    case VIPS_INTERPRETATION_MULTIBAND:
      return true;
    default:
      return false;
  }
}

std::string_view ProfileOf(const VImage& image) {
  if (image.get_typeof(VIPS_META_ICC_NAME) == 0) return {};
  std::size_t size = 0;
  const void* profile = image.get_blob(VIPS_META_ICC_NAME, &size);
  return {static_cast<const char*>(profile), size};
}

// Numbers between 0 and 1, of light, as programs for light write them; what lies beyond is
// clipped.
VImage EncodeLight(const VImage& image, int channels) {
  VImage colours = image.extract_band(0, VImage::option()->set("n", channels));
  if (channels == 1) colours = VImage::bandjoin(std::vector<VImage>{colours, colours, colours});
  colours = colours.copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_scRGB))
                .colourspace(VIPS_INTERPRETATION_RGB16);
  if (channels == 1) colours = colours.extract_band(0);
  if (image.bands() == channels) return colours;
  return colours.bandjoin(
      image.extract_band(channels).linear(kLevels16, 0).cast(VIPS_FORMAT_USHORT));
}

// Samples of 8 or 16 bits that use all of them.
VImage Normalised(const VImage& image, int channels) {
  switch (image.format()) {
    case VIPS_FORMAT_UCHAR:
    case VIPS_FORMAT_USHORT:
      return image;
    case VIPS_FORMAT_CHAR:
      return image.cast(VIPS_FORMAT_UCHAR);
    case VIPS_FORMAT_UINT:
      return image.linear(1.0 / (kLevels16 + 2), 0).rint().cast(VIPS_FORMAT_USHORT);
    case VIPS_FORMAT_FLOAT:
    case VIPS_FORMAT_DOUBLE:
      return EncodeLight(image, channels);
    default:
      return image.cast(VIPS_FORMAT_USHORT);
  }
}

// Inks, CIELAB and others that nothing here goes back to: in sRGB, through the picture's own
// profile where it has one that fits. Like browsers, we go by the colour space alone otherwise.
VImage ConvertedToSrgb(const VImage& image) {
  const bool deep = image.format() != VIPS_FORMAT_UCHAR;
  if (image.get_typeof(VIPS_META_ICC_NAME) != 0) {
    try {
      return image.icc_transform("srgb", VImage::option()
                                             ->set("embedded", true)
                                             ->set("intent", VIPS_INTENT_RELATIVE)
                                             ->set("depth", deep ? 16 : 8));
    } catch (const vips::VError&) {
      vips_error_clear();
    }
  }
  return image.colourspace(deep ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB);
}

// Of RGB and grey pictures: whether colours have to be moved, and whether they can be moved back.
void PlanColours(std::string_view profile, Development& plan) {
  if (profile.empty()) return;
  if (IsSrgb(profile, plan.channels)) {
    plan.profile = profile;
    plan.profile_is_srgb = true;
    return;
  }
  const SampleForm form = {.channels = plan.channels, .bits = plan.sample_bits()};
  plan.to_srgb = ColourTransform::ToSrgb(profile, form, 16);
  if (!plan.to_srgb.has_value()) return;  // Broken, or of other colours: as if there were none.
  if (ColourTransform::FromSrgb(profile, 16, form).has_value()) {
    plan.profile = profile;
  } else {
    plan.warnings.emplace_back(
        "the picture's colour profile is for reading alone; the result is in sRGB");
  }
}

// Takes rows of samples apart into colours and alpha.
class Separation {
 public:
  Separation(const Development& plan, AlphaPolicy policy, int width, int height)
      : plan_(plan),
        policy_(policy),
        sample_bytes_(static_cast<std::size_t>(plan.sample_bits() / 8)) {
    const auto pixels = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
    image_ = {.width = width, .height = height, .bits = plan.image_bits(), .pixels = {}};
    image_.pixels.reserve(pixels * image_.bytes_per_pixel());
    if (!plan.alpha) return;
    alpha_ = {.width = width, .height = height, .bits = plan.sample_bits(), .samples = {}};
    if (policy == AlphaPolicy::kKeep) alpha_.samples.reserve(pixels * sample_bytes_);
  }

  void Take(const std::uint8_t* row) {
    const auto width = static_cast<std::size_t>(image_.width);
    Split(row);
    if (plan_.to_srgb.has_value()) {
      moved_.resize(width * Image::kChannels);
      plan_.to_srgb->Apply(colours_.data(), moved_.data(), width);
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(  // NOLINT(*-reinterpret-cast)
          moved_.data());
      image_.pixels.insert(image_.pixels.end(), bytes, bytes + image_.bytes_per_row());
    } else {
      AppendColours();
    }
    if (plan_.alpha && policy_ == AlphaPolicy::kDrop) LayOverWhite();
  }

  DevelopedPicture Result() && {
    if (!plan_.alpha || policy_ == AlphaPolicy::kDrop) return {.image = std::move(image_)};
    FillTransparent(image_, alpha_);
    return {.image = std::move(image_),
            .alpha = std::make_shared<const AlphaPlane>(std::move(alpha_))};
  }

 private:
  void Split(const std::uint8_t* row) {
    const std::size_t colour_bytes = static_cast<std::size_t>(plan_.channels) * sample_bytes_;
    const std::size_t pixel_bytes = colour_bytes + (plan_.alpha ? sample_bytes_ : 0);
    colours_.clear();
    if (policy_ == AlphaPolicy::kDrop) alpha_.samples.clear();  // One row is enough.
    for (int x = 0; x < image_.width; ++x, row += pixel_bytes) {
      colours_.insert(colours_.end(), row, row + colour_bytes);
      if (plan_.alpha) {
        alpha_.samples.insert(alpha_.samples.end(), row + colour_bytes, row + pixel_bytes);
      }
    }
  }

  void AppendColours() {
    if (plan_.channels == 3) {
      image_.pixels.insert(image_.pixels.end(), colours_.begin(), colours_.end());
      return;
    }
    for (std::size_t i = 0; i < colours_.size(); i += sample_bytes_) {
      for (std::size_t channel = 0; channel < Image::kChannels; ++channel) {
        for (std::size_t byte = 0; byte < sample_bytes_; ++byte) {
          image_.pixels.push_back(colours_[i + byte]);
        }
      }
    }
  }

  static double Load(const std::uint8_t* bytes, int bits) {
    if (bits == 8) return *bytes;
    std::uint16_t sample = 0;
    std::memcpy(&sample, bytes, sizeof sample);
    return sample;
  }

  // The row that was appended last.
  void LayOverWhite() {
    const double opaque = plan_.sample_bits() == 8 ? 255 : kLevels16;
    const double white = image_.bits == 8 ? 255 : kLevels16;
    const auto bytes = static_cast<std::size_t>(image_.bits / 8);
    std::uint8_t* place = image_.pixels.data() + image_.pixels.size() - image_.bytes_per_row();
    const std::uint8_t* alpha = alpha_.samples.data();
    for (int x = 0; x < image_.width; ++x, alpha += sample_bytes_) {
      const double share = Load(alpha, plan_.sample_bits()) / opaque;
      for (std::size_t channel = 0; channel < Image::kChannels; ++channel, place += bytes) {
        const double level = share * Load(place, image_.bits) + (1 - share) * white;
        const auto rounded = static_cast<std::uint16_t>(level + 0.5);
        if (bytes == 1) {
          *place = static_cast<std::uint8_t>(rounded);
        } else {
          std::memcpy(place, &rounded, sizeof rounded);
        }
      }
    }
  }

  const Development& plan_;
  const AlphaPolicy policy_;
  const std::size_t sample_bytes_;
  Image image_;
  AlphaPlane alpha_;
  std::vector<std::uint8_t> colours_;  // Of one row, in the file's colours.
  std::vector<std::uint16_t> moved_;   // The same in sRGB.
};

}  // namespace

Development PlanDevelopment(const VImage& header) {
  const VipsInterpretation space = vips_image_guess_interpretation(header.get_image());
  VImage known = header;
  if (space != header.interpretation()) {
    known = header.copy(VImage::option()->set("interpretation", space));
  }
  Development plan{.samples = known, .orientation = vips_image_get_orientation(header.get_image())};
  std::string_view profile = ProfileOf(header);
  if (IsRgbOrGrey(space)) {
    plan.channels = IsGrey(known, space) ? 1 : 3;
    if (IsFloat(known)) profile = {};  // Light needs none.
    plan.samples = Normalised(known, plan.channels);
  } else {
    profile = {};
    plan.samples = ConvertedToSrgb(known);
    plan.warnings.push_back(fmt::format("the picture's colours are {}; the result is in sRGB",
                                        vips_enum_nick(VIPS_TYPE_INTERPRETATION, space)));
  }
  // TIFF knows further channels.
  plan.alpha = plan.samples.bands() > plan.channels;
  const int bands = plan.channels + (plan.alpha ? 1 : 0);
  if (plan.samples.bands() != bands) {
    plan.samples = plan.samples.extract_band(0, VImage::option()->set("n", bands));
  }
  PlanColours(profile, plan);
  return plan;
}

DevelopedPicture Develop(const Development& plan, AlphaPolicy policy) {
  VImage samples = plan.samples;
  // Turning reads columns, which a file that is read row by row cannot give.
  if (plan.orientation != kUpright) samples = samples.copy_memory().autorot();
  Separation separation(plan, policy, samples.width(), samples.height());
  ForEachRow(samples, [&](const std::uint8_t* row, int /*y*/) { separation.Take(row); });
  return std::move(separation).Result();
}

}  // namespace upscaler
