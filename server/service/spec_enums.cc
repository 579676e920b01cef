#include "server/service/spec_enums.h"

namespace upscaler {

std::optional<ImageFormat> FromProto(v1::ImageFormat format) {
  switch (format) {
    case v1::IMAGE_FORMAT_UNSPECIFIED:
    case v1::IMAGE_FORMAT_PNG:
      return ImageFormat::kPng;
    case v1::IMAGE_FORMAT_JPEG:
      return ImageFormat::kJpeg;
    case v1::IMAGE_FORMAT_WEBP:
      return ImageFormat::kWebp;
    case v1::IMAGE_FORMAT_TIFF:
      return ImageFormat::kTiff;
    case v1::IMAGE_FORMAT_AVIF:
      return ImageFormat::kAvif;
    default:
      return std::nullopt;
  }
}

std::optional<OutputType> FromProto(v1::OutputType type) {
  switch (type) {
    case v1::OUTPUT_TYPE_UNSPECIFIED:
    case v1::OUTPUT_TYPE_IMAGE:
      return OutputType::kImage;
    case v1::OUTPUT_TYPE_LATENTS:
      return OutputType::kLatents;
    default:
      return std::nullopt;
  }
}

std::optional<AlphaPolicy> FromProto(v1::AlphaMode mode) {
  switch (mode) {
    case v1::ALPHA_MODE_UNSPECIFIED:
    case v1::ALPHA_MODE_KEEP:
      return AlphaPolicy::kKeep;
    case v1::ALPHA_MODE_DROP:
      return AlphaPolicy::kDrop;
    default:
      return std::nullopt;
  }
}

std::optional<MetadataPolicy> FromProto(v1::MetadataMode mode) {
  switch (mode) {
    case v1::METADATA_MODE_UNSPECIFIED:
    case v1::METADATA_MODE_KEEP:
      return MetadataPolicy::kKeep;
    case v1::METADATA_MODE_KEEP_ALL:
      return MetadataPolicy::kKeepAll;
    case v1::METADATA_MODE_COLOR:
      return MetadataPolicy::kColour;
    case v1::METADATA_MODE_STRIP:
      return MetadataPolicy::kStrip;
    default:
      return std::nullopt;
  }
}

v1::ImageFormat ToProto(ImageFormat format) {
  switch (format) {
    case ImageFormat::kPng:
      return v1::IMAGE_FORMAT_PNG;
    case ImageFormat::kJpeg:
      return v1::IMAGE_FORMAT_JPEG;
    case ImageFormat::kWebp:
      return v1::IMAGE_FORMAT_WEBP;
    case ImageFormat::kTiff:
      return v1::IMAGE_FORMAT_TIFF;
    case ImageFormat::kAvif:
      return v1::IMAGE_FORMAT_AVIF;
  }
  return v1::IMAGE_FORMAT_UNSPECIFIED;
}

v1::OutputType ToProto(OutputType type) {
  return type == OutputType::kLatents ? v1::OUTPUT_TYPE_LATENTS : v1::OUTPUT_TYPE_IMAGE;
}

v1::AlphaMode ToProto(AlphaPolicy policy) {
  return policy == AlphaPolicy::kDrop ? v1::ALPHA_MODE_DROP : v1::ALPHA_MODE_KEEP;
}

v1::MetadataMode ToProto(MetadataPolicy policy) {
  switch (policy) {
    case MetadataPolicy::kKeep:
      return v1::METADATA_MODE_KEEP;
    case MetadataPolicy::kKeepAll:
      return v1::METADATA_MODE_KEEP_ALL;
    case MetadataPolicy::kColour:
      return v1::METADATA_MODE_COLOR;
    case MetadataPolicy::kStrip:
      return v1::METADATA_MODE_STRIP;
  }
  return v1::METADATA_MODE_UNSPECIFIED;
}

}  // namespace upscaler
