// A body of multipart/form-data as fields (RFC 2046, section 5.1.1, and RFC 7578), however
// the network cuts it into parts.
//
// Our own, as libmicrohttpd's parser reads some cuts wrongly, and refuses what common
// clients send: docs/adr/0016-a-multipart-parser-of-our-own.md.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "gateway/form_reader.h"

namespace upscaler {

// Keeps the values of fields that mean something, and passes over all others. Takes time in
// proportion to the body, whatever is in it.
class MultipartReader final : public FormReader {
 public:
  // The type and its parameters, of which one is the boundary. Where that is missing or not
  // allowed, Read and Finish say so.
  explicit MultipartReader(std::string_view content_type);

  absl::Status Read(std::string_view part) override;
  absl::StatusOr<std::vector<FormField>> Finish() override;

 private:
  // What the next bytes are.
  enum class State {
    kValue,      // Of a field, or what comes before the first boundary.
    kDelimiter,  // After a boundary: "--", or the rest of its line.
    kPadding,    // Blanks after a boundary, and the end of its line.
    kHeader,     // Of a part of the form.
    kEpilogue,   // After the last boundary: anything.
  };

  // Each takes from `unread` what it can. Whether to go on: false where more must come.
  absl::StatusOr<bool> Step(std::string_view& unread);
  bool ReadValue(std::string_view& unread);
  bool ReadDelimiter(std::string_view& unread);
  absl::StatusOr<bool> ReadPadding(std::string_view& unread);
  absl::StatusOr<bool> ReadHeader(std::string_view& unread);

  const std::string delimiter_;  // "\r\n--" and the boundary; empty where that is not usable.

  State state_ = State::kValue;
  std::string unread_;  // Whose meaning the next part decides: less than a delimiter.
  std::string header_;  // As far as it has come.
  std::size_t part_count_ = 0;
  bool keeps_value_ = false;  // Whether the value is that of the last of `fields_`.
  std::vector<FormField> fields_;
};

}  // namespace upscaler
