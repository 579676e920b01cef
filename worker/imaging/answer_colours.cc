#include "worker/imaging/answer_colours.h"

#include <array>
#include <cstddef>

namespace upscaler {
namespace {

using vips::VImage;

VImage Tagged(const VImage& samples, int bits) {
  const int channels = samples.bands();
  return samples.copy(VImage::option()->set("interpretation", SpaceOf(channels, bits)));
}

}  // namespace

VImage WithBits(const VImage& samples, int bits) {
  if (samples.format() == SampleFormat(bits)) return samples;
  constexpr double kRatio = 257;  // 65535 / 255.
  const VImage scaled = bits == 16
                            ? samples.linear(kRatio, 0).cast(VIPS_FORMAT_USHORT)
                            : samples.linear(1 / kRatio, 0.5, VImage::option()->set("uchar", true));
  return Tagged(scaled, bits);
}

AnswerColours::AnswerColours(const PictureTraits& traits, const EncodeOptions& options,
                             int image_bits)
    : bits_(options.bits),
      channels_(HasGrey(traits, options) ? 1 : 3),
      keeps_profile_(WantsProfile(traits, options)) {
  if (!MovesColours(traits, options)) return;
  from_srgb_ =
      ColourTransform::FromSrgb(traits.profile, image_bits, {.channels = channels_, .bits = bits_});
  keeps_profile_ = from_srgb_.has_value();
}

VImage AnswerColours::Apply(const VImage& rgb) const {
  if (from_srgb_.has_value()) return Moved(rgb);
  if (channels_ == 3) return WithBits(rgb, bits_);
  // What each channel adds to how light a colour looks. Equal channels come back as they are.
  std::array<double, 3> shares = {0.2126, 0.7152, 0.0722};
  const VImage matrix = VImage::new_matrix(3, 1, shares.data(), static_cast<int>(shares.size()));
  const int image_bits = rgb.format() == VIPS_FORMAT_USHORT ? 16 : 8;
  const VImage grey = rgb.recomb(matrix).rint().cast(rgb.format());
  return WithBits(Tagged(grey, image_bits), bits_);
}

VImage AnswerColours::Moved(const VImage& rgb) const {
  VImage moved(vips_image_new());
  VipsImage* out = moved.get_image();
  if (vips_image_pipelinev(out, VIPS_DEMAND_STYLE_THINSTRIP, rgb.get_image(), nullptr) != 0) {
    throw vips::VError();
  }
  out->Bands = channels_;
  out->BandFmt = SampleFormat(bits_);
  out->Type = SpaceOf(channels_, bits_);
  // libvips takes a mutable pointer and does not write to it.
  auto* self = const_cast<AnswerColours*>(this);  // NOLINT(*-const-cast)
  if (vips_image_generate(out, &vips_start_one, &AnswerColours::Generate, &vips_stop_one,
                          rgb.get_image(), self) != 0) {
    throw vips::VError();
  }
  // libvips holds on to what an image is made from only where it made it.
  vips_object_local(out, rgb.get_image());
  g_object_ref(rgb.get_image());
  return moved;
}

int AnswerColours::Generate(VipsRegion* out, void* sequence, void* /*image*/, void* self,
                            int* /*stop*/) {
  auto* in = static_cast<VipsRegion*>(sequence);
  const VipsRect& wanted = out->valid;
  if (vips_region_prepare(in, &wanted) != 0) return -1;
  const auto* colours = static_cast<const AnswerColours*>(self);
  for (int y = wanted.top; y < wanted.top + wanted.height; ++y) {
    colours->from_srgb_->Apply(VIPS_REGION_ADDR(in, wanted.left, y),
                               VIPS_REGION_ADDR(out, wanted.left, y),
                               static_cast<std::size_t>(wanted.width));
  }
  return 0;
}

}  // namespace upscaler
