#include "worker/imaging/alpha_fill.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <vector>

namespace upscaler {
namespace {

// A colour and how much is known of it: 0 nothing, 1 all.
struct Cell {
  std::array<float, Image::kChannels> colour{};
  float weight = 0;
};

struct Level {
  int width = 0;
  int height = 0;
  std::vector<Cell> cells;

  Cell& At(int x, int y) {
    return cells[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                 static_cast<std::size_t>(x)];
  }
  const Cell& Clamped(int x, int y) const {
    return cells[static_cast<std::size_t>(std::clamp(y, 0, height - 1)) *
                     static_cast<std::size_t>(width) +
                 static_cast<std::size_t>(std::clamp(x, 0, width - 1))];
  }
};

Level LevelFor(int width, int height) {
  Level level{.width = (width + 1) / 2, .height = (height + 1) / 2, .cells = {}};
  level.cells.resize(static_cast<std::size_t>(level.width) *
                     static_cast<std::size_t>(level.height));
  return level;
}

template <typename Sample>
Sample Load(const std::vector<std::uint8_t>& bytes, std::size_t index) {
  Sample sample{};
  std::memcpy(&sample, bytes.data() + index * sizeof sample, sizeof sample);
  return sample;
}

float AlphaAt(const AlphaPlane& alpha, std::size_t index) {
  return alpha.bits == 8 ? static_cast<float>(Load<std::uint8_t>(alpha.samples, index)) / 255
                         : static_cast<float>(Load<std::uint16_t>(alpha.samples, index)) / 65535;
}

float ColourAt(const Image& image, std::size_t index) {
  return image.bits == 8 ? static_cast<float>(Load<std::uint8_t>(image.pixels, index))
                         : static_cast<float>(Load<std::uint16_t>(image.pixels, index));
}

void SetColour(Image& image, std::size_t index, float value) {
  const float rounded = std::round(value);
  if (image.bits == 8) {
    image.pixels[index] = static_cast<std::uint8_t>(rounded);
    return;
  }
  const auto sample = static_cast<std::uint16_t>(rounded);
  std::memcpy(image.pixels.data() + index * sizeof sample, &sample, sizeof sample);
}

// What `part` says is added to `sum`, which is not divided by its weight yet.
void Gather(Cell& sum, const Cell& part) {
  for (std::size_t i = 0; i < sum.colour.size(); ++i) sum.colour[i] += part.weight * part.colour[i];
  sum.weight += part.weight;
}

// Divides, and counts what is known well as known: one opaque pixel tells the colour.
void Settle(Level& level) {
  for (Cell& cell : level.cells) {
    if (cell.weight <= 0) continue;
    for (float& value : cell.colour) value /= cell.weight;
    cell.weight = std::min(cell.weight, 1.0F);
  }
}

// The picture at half its size, straight from its pixels: a level of its own would be the
// largest.
Level Halve(const Image& image, const AlphaPlane& alpha) {
  Level half = LevelFor(image.width, image.height);
  std::size_t pixel = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x, ++pixel) {
      Cell part{.weight = AlphaAt(alpha, pixel)};
      if (part.weight <= 0) continue;
      for (std::size_t i = 0; i < Image::kChannels; ++i) {
        part.colour[i] = ColourAt(image, pixel * Image::kChannels + i);
      }
      Gather(half.At(x / 2, y / 2), part);
    }
  }
  Settle(half);
  return half;
}

Level Halve(Level& level) {
  Level half = LevelFor(level.width, level.height);
  for (int y = 0; y < level.height; ++y) {
    for (int x = 0; x < level.width; ++x) Gather(half.At(x / 2, y / 2), level.At(x, y));
  }
  Settle(half);
  return half;
}

// The colour that `coarse` has where the cell or pixel (x, y) of twice its size lies, between
// the middles of its cells.
std::array<float, Image::kChannels> ColourBetween(const Level& coarse, int x, int y) {
  // The middle of a fine cell lies a quarter of a coarse one from that one's middle.
  const int left = x % 2 == 0 ? x / 2 - 1 : x / 2;
  const int top = y % 2 == 0 ? y / 2 - 1 : y / 2;
  const float to_right = x % 2 == 0 ? 0.75F : 0.25F;
  const float to_bottom = y % 2 == 0 ? 0.75F : 0.25F;
  std::array<float, Image::kChannels> colour{};
  for (std::size_t i = 0; i < colour.size(); ++i) {
    const auto line = [&](int row) {
      return std::lerp(coarse.Clamped(left, row).colour[i], coarse.Clamped(left + 1, row).colour[i],
                       to_right);
    };
    colour[i] = std::lerp(line(top), line(top + 1), to_bottom);
  }
  return colour;
}

// What a level does not know it takes from the next coarser one, which is complete.
void Complete(Level& level, const Level& coarse) {
  for (int y = 0; y < level.height; ++y) {
    for (int x = 0; x < level.width; ++x) {
      Cell& cell = level.At(x, y);
      if (cell.weight >= 1) continue;
      const auto beneath = ColourBetween(coarse, x, y);
      for (std::size_t i = 0; i < cell.colour.size(); ++i) {
        cell.colour[i] = std::lerp(beneath[i], cell.colour[i], cell.weight);
      }
    }
  }
}

bool HasInvisible(const AlphaPlane& alpha) {
  const std::size_t count = alpha.samples.size() / static_cast<std::size_t>(alpha.bits / 8);
  for (std::size_t i = 0; i < count; ++i) {
    if (AlphaAt(alpha, i) <= 0) return true;
  }
  return false;
}

}  // namespace

void FillTransparent(Image& image, const AlphaPlane& alpha) {
  assert(image.width == alpha.width && image.height == alpha.height);
  if (!HasInvisible(alpha)) return;

  std::vector<Level> levels;
  levels.push_back(Halve(image, alpha));
  while (levels.back().width > 1 || levels.back().height > 1) {
    Level half = Halve(levels.back());
    levels.push_back(std::move(half));
  }
  if (levels.back().cells.front().weight <= 0) return;  // Nothing is visible.
  for (std::size_t i = levels.size() - 1; i > 0; --i) Complete(levels[i - 1], levels[i]);

  std::size_t pixel = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x, ++pixel) {
      if (AlphaAt(alpha, pixel) > 0) continue;
      const auto colour = ColourBetween(levels.front(), x, y);
      for (std::size_t i = 0; i < Image::kChannels; ++i) {
        SetColour(image, pixel * Image::kChannels + i, colour[i]);
      }
    }
  }
}

}  // namespace upscaler
