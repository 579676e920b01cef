#include "worker/imaging/gif_frames.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace upscaler {
namespace {

constexpr std::size_t kHeaderBytes = 13;  // The signature, and what says how large the screen is.
constexpr std::size_t kHeaderFlagsAt = 10;
constexpr std::size_t kFrameBytes = 10;
constexpr std::size_t kFrameFlagsAt = 9;

constexpr char kExtension = '\x21';
constexpr char kComment = '\xfe';
constexpr char kFrame = '\x2c';

// The walk from one part of the file to the next. Each step is false where the part is cut off.
class Walk {
 public:
  explicit Walk(std::string_view file) : rest_(file) {}

  // Nothing at the end of the file.
  std::optional<char> Next() const {
    return rest_.empty() ? std::nullopt : std::optional(rest_.front());
  }

  // What stands before the first frame.
  bool SkipHeader() { return SkipWithColours(kHeaderBytes, kHeaderFlagsAt); }

  bool SkipExtension() {
    if (!Skip(1)) return false;
    const bool comment = Next() == kComment;
    if (!Skip(1)) return false;
    // The first block of all but comments is skipped even where it is empty, as libvips does it:
    // frames that it sees could hide from another reading.
    return (comment || SkipBlock()) && SkipBlocks();
  }

  bool SkipFrame() {
    constexpr std::size_t kCodeSize = 1;  // Stands before the pixels.
    return SkipWithColours(kFrameBytes, kFrameFlagsAt) && Skip(kCodeSize) && SkipBlocks();
  }

 private:
  bool Skip(std::size_t bytes) {
    if (bytes > rest_.size()) return false;
    rest_.remove_prefix(bytes);
    return true;
  }

  std::size_t ByteAt(std::size_t at) const { return static_cast<std::uint8_t>(rest_[at]); }

  // `bytes`, and the colours that follow them where their flags say so.
  bool SkipWithColours(std::size_t bytes, std::size_t flags_at) {
    if (bytes > rest_.size()) return false;
    const std::size_t flags = ByteAt(flags_at);
    const bool colours = (flags & 0x80U) != 0;
    return Skip(bytes + (colours ? std::size_t{3 * 2} << (flags & 7U) : 0));
  }

  // A size, and as many bytes.
  bool SkipBlock() { return !rest_.empty() && Skip(1 + ByteAt(0)); }

  // Up to an empty one, which is skipped too.
  bool SkipBlocks() {
    while (Next().value_or('\0') != '\0') {
      if (!SkipBlock()) return false;
    }
    return Skip(1);
  }

  std::string_view rest_;
};

}  // namespace

int CountGifFrames(std::string_view file, int most) {
  Walk walk(file);
  int frames = 0;
  bool whole = walk.SkipHeader();
  while (whole && frames < most) {
    if (walk.Next() == kExtension) {
      whole = walk.SkipExtension();
    } else if (walk.Next() == kFrame) {
      whole = walk.SkipFrame();
      if (whole) ++frames;
    } else {
      break;  // The end, or what no GIF has; libvips stops there too.
    }
  }
  return frames;
}

}  // namespace upscaler
