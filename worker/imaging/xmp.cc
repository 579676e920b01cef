#include "worker/imaging/xmp.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include <absl/strings/ascii.h>
#include <fmt/format.h>

namespace upscaler {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

// DJI's drones write "GpsLatitude".
bool IsLocation(std::string_view local) {
  return absl::AsciiStrToLower(std::string(local.substr(0, 3))) == "gps";
}

bool IsDropped(std::string_view name, bool keep_location) {
  if (name.starts_with("xmlns:")) return false;  // Says what a prefix means, and nothing else.
  // Whatever the prefix is: it can be chosen, and there is none in a default namespace.
  const std::size_t colon = name.find(':');
  const std::string_view local = colon == name.npos ? name : name.substr(colon + 1);
  if (IsLocation(local)) return !keep_location;
  constexpr std::array<std::string_view, 6> kOfTheFile = {"Orientation",     "PixelXDimension",
                                                          "PixelYDimension", "ImageWidth",
                                                          "ImageLength",     "Thumbnails"};
  return std::ranges::find(kOfTheFile, local) != kOfTheFile.end();
}

// Copies XML from left to right, leaving out what is dropped. Stops, with nothing, at what it
// cannot follow.
class Editor {
 public:
  Editor(std::string_view xml, bool keep_location) : rest_(xml), keep_location_(keep_location) {}

  std::optional<std::string> Run() && {
    while (!rest_.empty()) {
      const std::size_t tag = std::min(rest_.find('<'), rest_.size());
      Copy(tag);
      if (!rest_.empty() && !TakeTag()) return std::nullopt;
    }
    return std::move(edited_);
  }

 private:
  void Copy(std::size_t bytes) {
    edited_ += rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
  }

  // Copies up to the end of `end`.
  bool CopyPast(std::string_view end) {
    const std::size_t at = rest_.find(end);
    if (at == rest_.npos) return false;
    Copy(at + end.size());
    return true;
  }

  bool TakeTag() {
    if (rest_.starts_with("<!--")) return CopyPast("-->");
    if (rest_.starts_with("<![CDATA[")) return CopyPast("]]>");
    if (rest_.starts_with("<?")) return CopyPast("?>");
    if (rest_.starts_with("<!")) return false;  // What XMP never has: a document type.
    if (rest_.starts_with("</")) return CopyPast(">");
    const std::string_view name = rest_.substr(1, rest_.find_first_of(" \t\r\n/>", 1) - 1);
    if (IsDropped(name, keep_location_)) return SkipElement(name);
    Copy(1 + name.size());
    return TakeAttributes();
  }

  bool SkipElement(std::string_view name) {
    const std::size_t open = rest_.find('>');
    if (open == rest_.npos) return false;
    if (rest_[open - 1] == '/') {
      rest_.remove_prefix(open + 1);
      return true;
    }
    const std::string end = fmt::format("</{}", name);
    const std::size_t close = rest_.find(end);
    if (close == rest_.npos) return false;
    rest_.remove_prefix(close);
    const std::size_t closed = rest_.find('>');
    if (closed == rest_.npos) return false;
    rest_.remove_prefix(closed + 1);
    return true;
  }

  // Up to the end of the tag.
  bool TakeAttributes() {
    while (true) {
      const std::size_t name_at = rest_.find_first_not_of(kSpace);
      if (name_at == rest_.npos) return false;
      if (rest_[name_at] == '/' || rest_[name_at] == '>') return CopyPast(">");
      const std::size_t equals = rest_.find('=', name_at);
      if (equals == rest_.npos) return false;
      const std::size_t quote = rest_.find_first_not_of(kSpace, equals + 1);
      if (quote == rest_.npos || (rest_[quote] != '"' && rest_[quote] != '\'')) return false;
      const std::size_t end = rest_.find(rest_[quote], quote + 1);
      if (end == rest_.npos) return false;
      const std::string_view name = rest_.substr(name_at, equals - name_at);
      const std::string_view bare = name.substr(0, name.find_last_not_of(kSpace) + 1);
      if (IsDropped(bare, keep_location_)) {
        rest_.remove_prefix(end + 1);
      } else {
        Copy(end + 1);
      }
    }
  }

  std::string_view rest_;
  bool keep_location_;
  std::string edited_;
};

}  // namespace

std::string EditXmp(std::string_view xmp, bool keep_location) {
  if (xmp.find('<') == xmp.npos || xmp.find('\0') != xmp.npos) return "";
  return Editor(xmp, keep_location).Run().value_or("");
}

}  // namespace upscaler
