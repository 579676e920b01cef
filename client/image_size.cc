#include "client/image_size.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <system_error>

#include <fmt/format.h>

namespace upscaler {
namespace {

std::optional<std::uint32_t> ReadSide(std::string_view text) {
  if (text.starts_with('0')) return std::nullopt;
  std::uint32_t side = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, side);
  if (error != std::errc() || stop != end) return std::nullopt;
  return side;
}

}  // namespace

std::optional<v1::ImageSize> SizeNamed(std::string_view text) {
  const std::size_t cross = text.find('x');
  if (cross == std::string_view::npos) return std::nullopt;
  const auto width = ReadSide(text.substr(0, cross));
  const auto height = ReadSide(text.substr(cross + 1));
  if (!width.has_value() || !height.has_value()) return std::nullopt;
  v1::ImageSize size;
  size.set_width(*width);
  size.set_height(*height);
  return size;
}

std::string SizeName(const v1::ImageSize& size) {
  return fmt::format("{}x{}", size.width(), size.height());
}

}  // namespace upscaler
