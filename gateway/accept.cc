#include "gateway/accept.h"

#include <string>

#include <absl/strings/str_split.h>

#include "client/image_format.h"
#include "gateway/http_message.h"

namespace upscaler {
namespace {

bool IsJson(std::string_view type) {
  return type == "application/json" || type == "application/*" || type == "*/*";
}

}  // namespace

AnswerForm AcceptedForm(std::string_view accept) {
  for (const auto part : absl::StrSplit(absl::string_view(accept.data(), accept.size()), ',')) {
    const std::string type = MediaType({part.data(), part.size()});
    if (IsJson(type)) return {};
    if (type == "text/event-stream") return {.events = true};
    for (const auto format : {v1::IMAGE_FORMAT_PNG, v1::IMAGE_FORMAT_JPEG, v1::IMAGE_FORMAT_WEBP}) {
      if (type == MediaTypeOf(format)) return {.image = format};
    }
  }
  return {};
}

}  // namespace upscaler
