#include "worker/imaging/png_chunks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>

#include <fmt/format.h>
#include <zlib.h>

#include "common/crc32.h"
#include "common/error_details.h"
#include "common/status_macros.h"
#include "worker/imaging/byte_order.h"

namespace upscaler {
namespace {

using namespace std::string_view_literals;  // For names that hold zeros.

constexpr std::size_t kSignatureBytes = 8;
constexpr std::size_t kNumberBytes = 4;
constexpr std::size_t kFrameBytes = 3 * kNumberBytes;  // A chunk's size, type and checksum.

constexpr std::string_view kXmpKeyword = "XML:com.adobe.xmp";

// Each text costs its reader more than its bytes. Real files have some tens.
constexpr int kMostTexts = 1000;

std::uint64_t FirstNumber(std::string_view bytes) {
  return NumberAt(bytes, 0, kNumberBytes, std::endian::big);
}

void AppendNumber(std::string& to, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) to += static_cast<char>(number >> shift & 0xff);
}

absl::Status TooLarge(std::string_view what, std::size_t limit) {
  return WithReason(
      InvalidField("image", fmt::format("the PNG's {} larger than the {} bytes that are allowed",
                                        what, limit)),
      "METADATA_TOO_LARGE");
}

// Counts what zlib's streams inflate to, keeping nothing of it.
class Inflation {
 public:
  Inflation() { ready_ = inflateInit(&stream_) == Z_OK; }
  ~Inflation() { inflateEnd(&stream_); }
  Inflation(const Inflation&) = delete;
  Inflation& operator=(const Inflation&) = delete;

  // Bytes that `deflated` becomes, but no more than just beyond `limit`. Of a damaged stream,
  // those before the damage.
  std::size_t SizeOf(std::string_view deflated, std::size_t limit) {
    if (!ready_ || inflateReset(&stream_) != Z_OK) return 0;
    // zlib's input is not const, and not written to.
    stream_.next_in = reinterpret_cast<Bytef*>(  // NOLINT(*-reinterpret-cast)
        const_cast<char*>(deflated.data()));     // NOLINT(*-const-cast)
    stream_.avail_in = static_cast<uInt>(deflated.size());
    int result = Z_OK;
    while (result == Z_OK && stream_.total_out <= limit) {
      stream_.next_out = dropped_.data();
      stream_.avail_out = static_cast<uInt>(dropped_.size());
      result = inflate(&stream_, Z_NO_FLUSH);
    }
    return stream_.total_out;
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
  std::array<Bytef, 16'384> dropped_{};
};

struct Chunk {
  std::string_view type;
  std::string_view data;
  std::string_view whole;
};

// The chunk that `bytes` begin with, unless it is cut off.
std::optional<Chunk> FirstChunk(std::string_view bytes) {
  if (bytes.size() < kFrameBytes) return std::nullopt;
  const std::size_t size = FirstNumber(bytes);
  if (size > bytes.size() - kFrameBytes) return std::nullopt;
  return Chunk{.type = bytes.substr(kNumberBytes, kNumberBytes),
               .data = bytes.substr(2 * kNumberBytes, size),
               .whole = bytes.substr(0, size + kFrameBytes)};
}

std::size_t KeywordEnd(const Chunk& chunk) {
  return std::min(chunk.data.find('\0'), chunk.data.size());
}

// The walk over one file.
class Walk {
 public:
  explicit Walk(const PngLimits& limits) : limits_(limits) {}

  absl::Status Take(const Chunk& chunk) {
    if (chunk.type == "iCCP"sv) return TakeProfile(chunk);
    if (chunk.type == "tEXt"sv) return TakeText(chunk, chunk.data.size());
    if (chunk.type == "zTXt"sv) return TakeDeflatedText(chunk, KeywordEnd(chunk) + 2);
    if (chunk.type == "iTXt"sv) return TakeInternationalText(chunk);
    if (chunk.type == "eXIf"sv) return AddText(chunk.data.size());
    if (chunk.type == "acTL"sv && chunk.data.size() >= kNumberBytes) {
      constexpr std::uint64_t kMany = 1 << 30;
      facts_.frames =
          static_cast<int>(std::clamp<std::uint64_t>(FirstNumber(chunk.data), 1, kMany));
    }
    return absl::OkStatus();
  }

  PngFacts Facts() && { return std::move(facts_); }

 private:
  // What follows the first `skipped` bytes.
  static std::string_view Rest(const Chunk& chunk, std::size_t skipped) {
    return chunk.data.substr(std::min(skipped, chunk.data.size()));
  }

  absl::Status TakeProfile(const Chunk& chunk) {
    // After the profile's name and the method of compression.
    const std::string_view deflated = Rest(chunk, KeywordEnd(chunk) + 2);
    // PNG allows one profile, but libpng inflates each that comes and keeps the last.
    profile_bytes_ += inflation_.SizeOf(deflated, limits_.max_profile_bytes);
    if (profile_bytes_ <= limits_.max_profile_bytes) return absl::OkStatus();
    return TooLarge("colour profile is", limits_.max_profile_bytes);
  }

  absl::Status TakeInternationalText(const Chunk& chunk) {
    // A keyword, whether it is compressed, how, a language, the keyword in it, and the text.
    std::size_t at = KeywordEnd(chunk) + 1;
    const bool deflated = at < chunk.data.size() && chunk.data[at] == 1;
    if (!deflated) return TakeText(chunk, chunk.data.size());
    at += 2;
    for (int part = 0; part < 2; ++part) {
      const std::size_t end = chunk.data.find('\0', std::min(at, chunk.data.size()));
      if (end == chunk.data.npos) return TakeText(chunk, chunk.data.size());
      at = end + 1;
    }
    return TakeDeflatedText(chunk, at);
  }

  absl::Status TakeDeflatedText(const Chunk& chunk, std::size_t from) {
    return TakeText(chunk, inflation_.SizeOf(Rest(chunk, from), limits_.max_text_bytes));
  }

  absl::Status TakeText(const Chunk& chunk, std::size_t inflated) {
    if (++texts_ > kMostTexts) {
      return WithReason(InvalidField("image", fmt::format("the PNG has more than {} texts; at most "
                                                          "so many are allowed",
                                                          kMostTexts)),
                        "METADATA_TOO_LARGE");
    }
    // Of what is kept, and of what it is for those who read it.
    UPSCALER_RETURN_IF_ERROR(AddText(std::max(inflated, chunk.data.size())));
    if (chunk.data.substr(0, KeywordEnd(chunk)) != kXmpKeyword) facts_.text += chunk.whole;
    return absl::OkStatus();
  }

  absl::Status AddText(std::size_t bytes) {
    text_bytes_ += bytes;
    if (text_bytes_ <= limits_.max_text_bytes) return absl::OkStatus();
    return TooLarge("texts and EXIF are", limits_.max_text_bytes);
  }

  const PngLimits& limits_;
  Inflation inflation_;
  std::size_t profile_bytes_ = 0;
  int texts_ = 0;
  std::size_t text_bytes_ = 0;
  PngFacts facts_;
};

std::string InternationalText(std::string_view keyword, std::string_view text) {
  // Not compressed, in no language, and the keyword as it is.
  return PngChunk("iTXt", fmt::format("{}{}{}", keyword, "\0\0\0\0\0"sv, text));
}

}  // namespace

absl::StatusOr<PngFacts> ReadPngChunks(std::string_view file, const PngLimits& limits) {
  Walk walk(limits);
  std::string_view rest = file.substr(std::min(kSignatureBytes, file.size()));
  for (auto chunk = FirstChunk(rest); chunk.has_value(); chunk = FirstChunk(rest)) {
    if (chunk->type == "IEND"sv) break;
    UPSCALER_RETURN_IF_ERROR(walk.Take(*chunk));
    rest.remove_prefix(chunk->whole.size());
  }
  return std::move(walk).Facts();
}

std::string KeepPngTexts(std::string_view chunks,
                         absl::FunctionRef<bool(std::string_view keyword)> keeps) {
  std::string kept;
  for (auto chunk = FirstChunk(chunks); chunk.has_value(); chunk = FirstChunk(chunks)) {
    if (keeps(chunk->data.substr(0, KeywordEnd(*chunk)))) kept += chunk->whole;
    chunks.remove_prefix(chunk->whole.size());
  }
  return kept;
}

std::string PngChunk(std::string_view type, std::string_view data) {
  std::string chunk;
  chunk.reserve(data.size() + kFrameBytes);
  AppendNumber(chunk, static_cast<std::uint32_t>(data.size()));
  chunk += type;
  chunk += data;
  AppendNumber(chunk, Crc32(std::string_view(chunk).substr(kNumberBytes)));
  return chunk;
}

std::string PngText(std::string_view keyword, std::string_view text) {
  const bool ascii = std::ranges::all_of(
      text, [](char letter) { return static_cast<std::uint8_t>(letter) < 0x80; });
  if (!ascii) return InternationalText(keyword, text);
  return PngChunk("tEXt", fmt::format("{}{}{}", keyword, '\0', text));
}

std::string PngXmp(std::string_view xmp) { return InternationalText(kXmpKeyword, xmp); }

}  // namespace upscaler
