#include "worker/imaging/iptc.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "worker/imaging/byte_order.h"

namespace upscaler {
namespace {

using namespace std::string_view_literals;  // For names that hold zeros.

constexpr std::string_view kPhotoshop = "Photoshop 3.0\0"sv;
constexpr std::string_view kResource = "8BIM"sv;
constexpr std::string_view kIptcId = "\x04\x04"sv;

std::size_t Even(std::size_t size) { return size + size % 2; }

// Of Photoshop's resources, the one that is IPTC's.
std::string_view FindRecord(std::string_view resources) {
  constexpr std::size_t kNameAt = 6;  // After "8BIM" and the number of the resource.
  while (resources.size() > kNameAt && resources.starts_with(kResource)) {
    // A name, its length before it, then the size of the data.
    const std::size_t size_at =
        kNameAt + Even(1 + std::size_t{static_cast<std::uint8_t>(resources[kNameAt])});
    if (size_at + 4 > resources.size()) return {};
    const std::size_t size = NumberAt(resources, size_at, 4, std::endian::big);
    const std::string_view data = resources.substr(size_at + 4);
    if (size > data.size()) return {};
    if (resources.substr(kResource.size(), 2) == kIptcId) return data.substr(0, size);
    resources = data.substr(std::min(Even(size), data.size()));
  }
  return {};
}

// The record that is in `iptc`, in whichever wrapping.
std::string_view RecordOf(std::string_view iptc) {
  if (!iptc.starts_with(kPhotoshop)) return iptc;
  return FindRecord(iptc.substr(kPhotoshop.size()));
}

// Whether the bytes are data sets from end to end, zeros after them aside. libvips reads
// some TIFFs' records only in part.
bool IsWhole(std::string_view record) {
  constexpr std::size_t kHead = 5;  // A mark, two numbers, and a size of two bytes.
  while (!record.empty() && record[0] == '\x1c') {
    if (record.size() < kHead) return false;
    const std::size_t size = NumberAt(record, 3, 2, std::endian::big);
    if (size > record.size() - kHead) return false;
    record.remove_prefix(kHead + size);
  }
  return record.find_first_not_of('\0') == record.npos;
}

}  // namespace

std::string IptcForJpeg(std::string_view iptc) {
  const std::string_view record = RecordOf(iptc);
  if (record.empty() || record.size() > kMostJpegSegmentBytes || !IsWhole(record)) return "";
  std::string wrapped(kPhotoshop);
  wrapped += kResource;
  wrapped += kIptcId;
  wrapped += "\0\0"sv;  // It has no name.
  for (int shift = 24; shift >= 0; shift -= 8) {
    wrapped += static_cast<char>(record.size() >> shift & 0xff);
  }
  wrapped += record;
  wrapped.resize(Even(wrapped.size()));
  return wrapped;
}

std::string IptcForTiff(std::string_view iptc) {
  std::string bare(RecordOf(iptc));
  if (!IsWhole(bare)) return "";
  // libvips means to write numbers of four bytes, and says to libtiff how many there are; libtiff
  // takes that for how many bytes there are. Zeros after a record do no harm.
  constexpr std::size_t kMisunderstanding = 4;
  bare.resize(bare.size() * kMisunderstanding);
  return bare;
}

}  // namespace upscaler
