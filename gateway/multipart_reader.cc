#include "gateway/multipart_reader.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include <microhttpd.h>

namespace upscaler {
namespace {

// Room for the headers of one part, and for the piece of a value that is handed
// on at once.
constexpr std::size_t kParserBytes = std::size_t{64} << 10;

absl::Status Malformed() {
  return absl::InvalidArgumentError(
      "the body is not multipart/form-data as its Content-Type announces, or ends early");
}

}  // namespace

struct MultipartReader::Callbacks {
  // A piece of a field's value, which begins at `offset`.
  static MHD_Result OnValue(void* fields_pointer, MHD_ValueKind /*kind*/, const char* name,
                            const char* /*filename*/, const char* /*content_type*/,
                            const char* /*transfer_encoding*/, const char* data,
                            std::uint64_t offset, std::size_t size) {
    auto& fields = *static_cast<std::vector<FormField>*>(fields_pointer);
    if (name == nullptr) return MHD_YES;  // A part without a name is nobody's field.
    if (offset == 0) fields.push_back({.name = name, .value = {}});
    fields.back().value.append(data, size);
    return MHD_YES;
  }
};

MultipartReader::MultipartReader(MHD_Connection* connection)
    : parser_(MHD_create_post_processor(connection, kParserBytes, &Callbacks::OnValue, &fields_)) {}

MultipartReader::~MultipartReader() { MHD_destroy_post_processor(parser_); }

absl::Status MultipartReader::Read(std::string_view part) {
  if (parser_ == nullptr) {
    return absl::InvalidArgumentError("the Content-Type names no usable boundary");
  }
  return MHD_post_process(parser_, part.data(), part.size()) == MHD_YES ? absl::OkStatus()
                                                                        : Malformed();
}

absl::StatusOr<std::vector<FormField>> MultipartReader::Finish() {
  if (MHD_destroy_post_processor(std::exchange(parser_, nullptr)) != MHD_YES) return Malformed();
  return std::move(fields_);
}

}  // namespace upscaler
