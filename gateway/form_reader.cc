#include "gateway/form_reader.h"

#include <string>

#include "gateway/json_reader.h"
#include "gateway/multipart_reader.h"

namespace upscaler {

std::unique_ptr<FormReader> MakeFormReader(const HttpRequest& request) {
  const std::string type = MediaType(FindHeader(request.headers, "content-type"));
  if (type == "multipart/form-data") return std::make_unique<MultipartReader>(request.connection);
  if (type == "application/json") return std::make_unique<JsonReader>();
  return nullptr;
}

}  // namespace upscaler
