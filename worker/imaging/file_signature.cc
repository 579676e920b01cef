#include "worker/imaging/file_signature.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace upscaler {
namespace {

using namespace std::string_view_literals;  // For signatures that hold zeros.

struct Magic {
  std::size_t at;  // Bytes from the start.
  std::string_view bytes;
  FileSignature signature;
};

// The first one that fits counts, so what is told apart by more bytes stands before what
// starts alike. Short ones that other data may start with by chance are last.
constexpr std::array kMagics = {
    Magic{0, "\x89PNG\r\n\x1a\n"sv, {"PNG", true}},
    Magic{0, "\xff\xd8\xff"sv, {"JPEG", true}},
    Magic{0, "GIF87a"sv, {"GIF", true}},
    Magic{0, "GIF89a"sv, {"GIF", true}},
    Magic{8, "CR\2\0"sv, {"Canon RAW", false}},  // Begins as a TIFF does.
    Magic{0, "II*\0"sv, {"TIFF", true}},
    Magic{0, "MM\0*"sv, {"TIFF", true}},
    Magic{0, "II+\0"sv, {"TIFF", true}},  // BigTIFF.
    Magic{0, "MM\0+"sv, {"TIFF", true}},
    Magic{0, "\xff\x0a"sv, {"JPEG XL", false}},
    Magic{0, "\0\0\0\x0cJXL \r\n\x87\n"sv, {"JPEG XL", false}},
    Magic{0, "\0\0\0\x0cjP  \r\n\x87\n"sv, {"JPEG 2000", false}},
    Magic{0, "\xff\x4f\xff\x51"sv, {"JPEG 2000", false}},
    Magic{0, "8BPS"sv, {"Photoshop (PSD)", false}},
    Magic{0, "%PDF-"sv, {"PDF", false}},
    Magic{0, "%!PS"sv, {"PostScript", false}},
    Magic{0, "\x76\x2f\x31\x01"sv, {"OpenEXR", false}},
    Magic{0, "#?RADIANCE"sv, {"Radiance HDR", false}},
    Magic{0, "#?RGBE"sv, {"Radiance HDR", false}},
    Magic{0, "SIMPLE  ="sv, {"FITS", false}},
    Magic{0, "DDS "sv, {"DDS", false}},
    Magic{0, "qoif"sv, {"QOI", false}},
    Magic{0, "FLIF"sv, {"FLIF", false}},
    Magic{0, "gimp xcf "sv, {"GIMP (XCF)", false}},
    Magic{0, "FUJIFILMCCD-RAW"sv, {"Fujifilm RAW", false}},
    Magic{0, "IIRO"sv, {"Olympus RAW", false}},
    Magic{0, "IIU\0"sv, {"Panasonic RAW", false}},
    Magic{0, "II\xbc\1"sv, {"JPEG XR", false}},
    Magic{0, "\x1a\x45\xdf\xa3"sv, {"Matroska or WebM video", false}},
    Magic{0, "OggS"sv, {"Ogg", false}},
    Magic{0, "\xd7\xcd\xc6\x9a"sv, {"WMF", false}},
    Magic{0, "\0\0\1\0"sv, {"ICO", false}},
    Magic{0, "\0\0\2\0"sv, {"CUR", false}},
};

// Boxes of ISO's base media files: a size, "ftyp", and the brand.
std::optional<FileSignature> RecogniseMedia(std::string_view bytes) {
  if (bytes.size() < 12 || bytes.substr(4, 4) != "ftyp"sv) return std::nullopt;
  const std::string_view brand = bytes.substr(8, 4);
  for (const std::string_view avif : {"avif"sv, "avis"sv}) {
    if (brand == avif) return FileSignature{"AVIF", true};
  }
  for (const std::string_view heic :
       {"heic"sv, "heix"sv, "heim"sv, "heis"sv, "hevc"sv, "hevx"sv, "mif1"sv, "msf1"sv}) {
    if (brand == heic) return FileSignature{"HEIC", true};
  }
  if (brand == "crx "sv) return FileSignature{"Canon RAW", false};
  if (brand.starts_with("jp2"sv)) return FileSignature{"JPEG 2000", false};
  return FileSignature{"MP4 or QuickTime video", false};
}

std::optional<FileSignature> RecogniseRiff(std::string_view bytes) {
  if (bytes.size() < 12 || !bytes.starts_with("RIFF"sv)) return std::nullopt;
  const std::string_view kind = bytes.substr(8, 4);
  if (kind == "WEBP"sv) return FileSignature{"WebP", true};
  if (kind == "AVI "sv) return FileSignature{"AVI video", false};
  if (kind == "WAVE"sv) return FileSignature{"WAV", false};
  return std::nullopt;
}

// "P6" and what follows it: white space, or a comment.
std::optional<FileSignature> RecognisePortable(std::string_view bytes) {
  if (bytes.size() < 3 || bytes[0] != 'P') return std::nullopt;
  constexpr std::string_view kKinds = "1234567fF";
  constexpr std::string_view kAfter = " \t\r\n#";
  if (kKinds.find(bytes[1]) == kKinds.npos || kAfter.find(bytes[2]) == kAfter.npos) {
    return std::nullopt;
  }
  return FileSignature{"PPM", false};
}

// XML that speaks of SVG near its start.
std::optional<FileSignature> RecogniseSvg(std::string_view bytes) {
  constexpr std::size_t kNear = 1024;
  if (bytes.starts_with("\xef\xbb\xbf"sv)) bytes.remove_prefix(3);
  const std::size_t start = bytes.find_first_not_of(" \t\r\n"sv);
  if (start == bytes.npos || bytes[start] != '<') return std::nullopt;
  if (bytes.substr(0, kNear).find("<svg"sv) == bytes.npos) return std::nullopt;
  return FileSignature{"SVG", false};
}

// BMP's two letters are followed by the file's size, which few get right, and four zeros.
std::optional<FileSignature> RecogniseBitmap(std::string_view bytes) {
  if (bytes.size() < 14 || !bytes.starts_with("BM"sv)) return std::nullopt;
  if (bytes.substr(6, 4) != "\0\0\0\0"sv) return std::nullopt;
  return FileSignature{"BMP", false};
}

// TGA has no signature at its start, and its header can be many things. Newer files say at their
// end what they are, and those alone are known here.
std::optional<FileSignature> RecogniseTarga(std::string_view bytes) {
  constexpr std::size_t kHeader = 18;
  if (bytes.size() <= kHeader) return std::nullopt;
  if (bytes.ends_with("TRUEVISION-XFILE.\0"sv)) return FileSignature{"TGA", false};
  return std::nullopt;
}

}  // namespace

std::optional<FileSignature> RecogniseFile(std::string_view bytes) {
  const auto* const magic = std::ranges::find_if(kMagics, [&](const Magic& one) {
    return bytes.size() >= one.at && bytes.substr(one.at).starts_with(one.bytes);
  });
  if (magic != kMagics.end()) return magic->signature;
  for (auto* recognise : {&RecogniseMedia, &RecogniseRiff, &RecognisePortable, &RecogniseSvg,
                          &RecogniseBitmap, &RecogniseTarga}) {
    if (auto signature = recognise(bytes)) return signature;
  }
  return std::nullopt;
}

std::string_view ReadableFormats() { return "PNG, JPEG, WebP, TIFF, GIF, AVIF, HEIC"; }

std::span<const std::string_view> ReadableMediaTypes() {
  static constexpr std::array<std::string_view, 8> kTypes = {
      "image/png", "image/jpeg", "image/webp", "image/tiff",
      "image/gif", "image/avif", "image/heic", "image/heif"};
  return kTypes;
}

}  // namespace upscaler
