// Pictures to files' bytes, with everything that they came with.

#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "worker/imaging/encode_options.h"
#include "worker/imaging/image.h"
#include "worker/imaging/picture_rows.h"
#include "worker/imaging/picture_traits.h"

namespace upscaler {

// Encodes the upper left `width` x `height` of a picture, which must be as large, as the answer
// to the picture that `traits` were taken from: in its colours, as transparent (the alpha plane
// is brought to the answer's size, whatever it is), and with its metadata as far as `options`
// and the format allow:
//
//         profile  EXIF        XMP         IPTC  resolution  texts  parameters
//   PNG   yes      yes         yes         -     yes         PNG's  text "parameters"
//   JPEG  yes      to 64 KB    to 60 KB    yes   in EXIF     -      EXIF's UserComment
//   WebP  of RGB   yes         yes         -     in EXIF     -      EXIF's UserComment
//   TIFF  yes      -           yes         yes   yes         -      ImageDescription
//   AVIF  of RGB   yes         yes         -     in EXIF     -      EXIF's UserComment
//
// That is what libvips 8.14 writes. EXIF says the answer's own sides and that it is upright, and
// has no thumbnail. WebP and AVIF have no grey: grey pictures come out with three equal channels,
// in sRGB. JPEG has no alpha: the picture is laid over white.
//
// Rows are asked for from the top as they are needed, on a thread of libvips, and none beyond
// `height`; memory beside the result stays at a few bands for PNG, JPEG and TIFF, while WebP and
// AVIF need the whole picture. As rows end in an error, that is returned.
//
// kInvalidArgument naming "output_format" when a side is longer than MaxSide or the format can't
// be written here, or "bit_depth"; kResourceExhausted when memory runs out; kInternal when libvips
// fails. Blocks for as long as it takes, rows included. Thread-safe, once a VipsLibrary exists.
absl::StatusOr<std::string> EncodePicture(const Image& image, int width, int height,
                                          const PictureTraits& traits,
                                          const EncodeOptions& options);
absl::StatusOr<std::string> EncodePicture(PictureRows& rows, int width, int height,
                                          const PictureTraits& traits,
                                          const EncodeOptions& options);

// The formats that can be written, which is a matter of what libvips was built with: AVIF may be
// missing. Tries it, so ask once. Requires a VipsLibrary.
std::vector<ImageFormat> WritableFormats();

}  // namespace upscaler
