// EXIF as an answer gets it: of the picture that it is, not of the one that came.

#pragma once

#include <string>
#include <string_view>

namespace upscaler {

struct ExifEdit {
  int width = 0;  // Of the answer, in pixels.
  int height = 0;
  bool keep_location = false;
  std::string comment{};  // UTF-8 to stand in UserComment; "" leaves what is there.
};

// `exif`, a TIFF structure with or without "Exif\0\0" before it, with the edit done: turned
// upright, with the answer's sides, and without its thumbnail and its resolution, which whoever
// writes the file adds. Notes of the camera's maker stay,
// though some makers' point to places in the block, which move. Made from nothing where `exif`
// is "".
//
// Begins with "Exif\0\0". "" where `exif` is no EXIF; what of it is damaged is left out.
// Thread-safe. Takes at most a few times the bytes of `exif`, whatever is in it.
std::string EditExif(std::string_view exif, const ExifEdit& edit);

}  // namespace upscaler
