// Which part of a body a client asks for: RFC 9110, section 14. So a download that broke off
// goes on where it did.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace upscaler {

struct ByteRange {
  enum class Kind {
    kWhole,           // No range is asked for, or none that is understood: the whole body.
    kPart,            // `bytes` from `offset` on.
    kNotSatisfiable,  // There are no such bytes.
  };

  Kind kind = Kind::kWhole;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;  // Of a part, at least 1.
};

// What the header Range, empty where there is none, asks of a body of `total_bytes`:
// "bytes=5-", "bytes=5-9" or "bytes=-5". Of several ranges none is taken, as is allowed.
ByteRange ReadRange(std::string_view header, std::uint64_t total_bytes);

// The header Content-Range that goes with it: "bytes 5-9/10", "bytes */10" where nothing can
// be given; empty for the whole.
std::string ContentRange(const ByteRange& range, std::uint64_t total_bytes);

}  // namespace upscaler
