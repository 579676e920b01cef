#include "gateway/form_reader.h"

#include <string>
#include <string_view>

#include "gateway/json_reader.h"
#include "gateway/multipart_reader.h"

namespace upscaler {

std::unique_ptr<FormReader> MakeFormReader(const HttpRequest& request) {
  const std::string_view content_type = FindHeader(request.headers, "content-type");
  const std::string type = MediaType(content_type);
  if (type == "multipart/form-data") return std::make_unique<MultipartReader>(content_type);
  if (type == "application/json") return std::make_unique<JsonReader>();
  return nullptr;
}

}  // namespace upscaler
