#include "gateway/form_reader.h"

#include <new>
#include <string>

#include "gateway/json_reader.h"
#include "gateway/multipart_reader.h"
#include "gateway/rest_error.h"

namespace upscaler {

absl::Status ReadWithinMemory(FormReader& reader, std::string_view part) try {
  return reader.Read(part);
} catch (const std::bad_alloc&) {
  return OutOfMemory();
}

std::unique_ptr<FormReader> MakeFormReader(const HttpRequest& request) {
  const std::string_view content_type = FindHeader(request.headers, "content-type");
  const std::string type = MediaType(content_type);
  if (type == "multipart/form-data") return std::make_unique<MultipartReader>(content_type);
  if (type == "application/json") return std::make_unique<JsonReader>();
  return nullptr;
}

}  // namespace upscaler
