#include "client/image_format.h"

namespace upscaler {

std::string_view FormatName(v1::ImageFormat format) {
  return MediaTypeOf(format).substr(std::string_view("image/").size());
}

std::optional<v1::ImageFormat> FormatNamed(std::string_view name) {
  if (name == "png") return v1::IMAGE_FORMAT_PNG;
  if (name == "jpeg" || name == "jpg") return v1::IMAGE_FORMAT_JPEG;
  if (name == "webp") return v1::IMAGE_FORMAT_WEBP;
  if (name == "tiff" || name == "tif") return v1::IMAGE_FORMAT_TIFF;
  if (name == "avif") return v1::IMAGE_FORMAT_AVIF;
  return std::nullopt;
}

std::string_view MediaTypeOf(v1::ImageFormat format) {
  switch (format) {
    case v1::IMAGE_FORMAT_JPEG:
      return "image/jpeg";
    case v1::IMAGE_FORMAT_WEBP:
      return "image/webp";
    case v1::IMAGE_FORMAT_TIFF:
      return "image/tiff";
    case v1::IMAGE_FORMAT_AVIF:
      return "image/avif";
    default:
      return "image/png";
  }
}

}  // namespace upscaler
