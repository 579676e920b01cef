// What a file's first bytes say it is.
//
// Our own, because libvips would try every loader it has, and say which in its error; and so
// that whoever sends a picture in a format that isn't read here is told so by its name.

#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace upscaler {

struct FileSignature {
  std::string_view name;  // Of the format, as people call it.
  bool readable = false;  // Whether DecodePicture takes it.
};

// Nothing where the first bytes are those of no format that is known here.
std::optional<FileSignature> RecogniseFile(std::string_view bytes);

// The formats that DecodePicture takes, as a sentence lists them.
std::string_view ReadableFormats();

// Their media types: "image/png", ...
std::span<const std::string_view> ReadableMediaTypes();

}  // namespace upscaler
