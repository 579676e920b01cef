#include "worker/imaging/latents.h"

#include <bit>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"

namespace upscaler {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are read as they come");

// Far beyond what any picture comes to, which is some tens: the model would overflow.
constexpr float kLargest = 10'000;

constexpr const char* kField = "latents.data";

std::size_t BytesOf(TensorType type) { return type == TensorType::kFloat16 ? 2 : 4; }

// IEEE 754 binary16. C++ has no name for it yet.
float ToFloat(std::uint16_t half) {
  constexpr int kFractionBits = 10;
  constexpr int kBias = 15;
  constexpr int kMostExponent = 31;
  const int exponent = (half >> kFractionBits) & kMostExponent;
  const auto fraction = static_cast<float>(half & ((1 << kFractionBits) - 1));
  const float sign = (half >> 15) == 0 ? 1.0F : -1.0F;
  if (exponent == kMostExponent) {
    return fraction == 0 ? sign * std::numeric_limits<float>::infinity()
                         : std::numeric_limits<float>::quiet_NaN();
  }
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - kBias - kFractionBits);
  return sign * std::ldexp(fraction + (1 << kFractionBits), exponent - kBias - kFractionBits);
}

std::vector<float> ToFloats(std::string_view bytes, TensorType type) {
  std::vector<float> values(bytes.size() / BytesOf(type));
  if (type == TensorType::kFloat32) {
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint16_t half = 0;
    std::memcpy(&half, bytes.data() + i * sizeof half, sizeof half);
    values[i] = ToFloat(half);
  }
  return values;
}

// A tensor with the same channels whose value at (y, x) is that of `from` at
// (row(y), column(x)).
template <typename RowOf, typename ColumnOf>
Latents Rearrange(const Latents& from, int width, int height, RowOf row, ColumnOf column) {
  Latents to{.channels = from.channels,
             .height = height,
             .width = width,
             .reduction = from.reduction,
             .values = {}};
  to.values.reserve(static_cast<std::size_t>(from.channels) * static_cast<std::size_t>(height) *
                    static_cast<std::size_t>(width));
  for (int channel = 0; channel < from.channels; ++channel) {
    for (int y = 0; y < height; ++y) {
      const auto line = (static_cast<std::size_t>(channel) * static_cast<std::size_t>(from.height) +
                         static_cast<std::size_t>(row(y))) *
                        static_cast<std::size_t>(from.width);
      for (int x = 0; x < width; ++x) {
        to.values.push_back(from.values[line + static_cast<std::size_t>(column(x))]);
      }
    }
  }
  return to;
}

}  // namespace

absl::Status CheckFamily(LatentsFamily family, const LatentsRule& rule) {
  if (family == LatentsFamily::kServedModel || rule.stable_diffusion) return absl::OkStatus();
  return InvalidField("latents.family",
                      "Stable Diffusion's given; the served model takes its own alone");
}

absl::StatusOr<Latents> ParseLatents(std::string_view bytes, const LatentsForm& form,
                                     const LatentsRule& rule) {
  const std::int64_t wanted = std::int64_t{form.height} * form.width * rule.channels *
                              static_cast<std::int64_t>(BytesOf(form.type));
  if (std::cmp_not_equal(bytes.size(), wanted)) {
    return InvalidField(
        kField,
        fmt::format("{} bytes given; latents [{}, {}, {}] of {}-byte numbers have {}", bytes.size(),
                    rule.channels, form.height, form.width, BytesOf(form.type), wanted));
  }
  Latents latents{.channels = rule.channels,
                  .height = form.height,
                  .width = form.width,
                  .reduction = rule.reduction,
                  .values = ToFloats(bytes, form.type)};
  for (std::size_t i = 0; i < latents.values.size(); ++i) {
    if (!(std::abs(latents.values[i]) <= kLargest)) {
      return InvalidField(kField, fmt::format("number {} is {}; {} to {} is allowed", i,
                                              latents.values[i], -kLargest, kLargest));
    }
  }
  return latents;
}

std::string SerializeLatents(const Latents& latents) {
  std::string bytes(latents.values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), latents.values.data(), bytes.size());
  return bytes;
}

Latents PadByReflection(const Latents& latents, const SideRule& rule) {
  assert(latents.width >= 1 && latents.height >= 1);
  return Rearrange(
      latents, PaddedSide(latents.picture_width(), rule) / latents.reduction,
      PaddedSide(latents.picture_height(), rule) / latents.reduction,
      [&](int y) { return ReflectedIndex(y, latents.height); },
      [&](int x) { return ReflectedIndex(x, latents.width); });
}

Latents Crop(const Latents& latents, int width, int height) {
  assert(width <= latents.width && height <= latents.height);
  return Rearrange(
      latents, width, height, [](int y) { return y; }, [](int x) { return x; });
}

}  // namespace upscaler
