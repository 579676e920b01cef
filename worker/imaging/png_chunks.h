// A look at a PNG's chunks before libvips sees the file.
//
// libpng inflates colour profiles and texts when it reads the header, up to 50 MB each and a
// hundred of them, before anybody can ask how large the picture is. A file of some kilobytes
// can cost seconds and hundreds of megabytes that way, so what inflates to too much is found
// here, without keeping what it inflates to.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

namespace upscaler {

struct PngLimits {
  std::size_t max_profile_bytes = 0;  // Inflated, all profiles together where there are several.
  std::size_t max_text_bytes = 0;     // Inflated, all texts and EXIF together.
};

struct PngFacts {
  int frames = 1;      // More than one in an animated PNG.
  std::string text{};  // The chunks of text one after the other, without XMP's.
};

// Walks over the chunks of `file`, which begins with PNG's signature, as far as they are whole:
// whether the file is damaged is for its reader to say. kInvalidArgument naming the field "image",
// reason METADATA_TOO_LARGE, where the limits are exceeded. Thread-safe; its cost is bounded by
// the limits and the number of chunks.
absl::StatusOr<PngFacts> ReadPngChunks(std::string_view file, const PngLimits& limits);

// Of whole chunks of text, those whose keyword `keeps` says yes to.
std::string KeepPngTexts(std::string_view chunks,
                         absl::FunctionRef<bool(std::string_view keyword)> keeps);

// A whole chunk, its checksum included. `type` has four letters.
std::string PngChunk(std::string_view type, std::string_view data);

// A chunk of text: tEXt where `text` is ASCII, which every reader knows, iTXt otherwise.
// Requires valid UTF-8 without zeros, and a keyword of 1 to 79 letters.
std::string PngText(std::string_view keyword, std::string_view text);

// The chunk that XMP stands in.
std::string PngXmp(std::string_view xmp);

}  // namespace upscaler
