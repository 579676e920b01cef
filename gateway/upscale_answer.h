// The finished pictures as REST answers.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/status.h>

#include "gateway/http_message.h"
#include "gateway/upscale_form.h"
#include "proto/upscaler/v1/upscaler.pb.h"

namespace upscaler {

// What the answer says beside the pictures.
struct AnswerFacts {
  std::string id{};
  std::string model{};
  std::int64_t created = 0;  // Seconds since 1970.
  UpscaleForm::ResponseFormat response_format = UpscaleForm::ResponseFormat::kBase64;
};

// The format of a client that wants the picture itself for an answer
// ("image/webp"), or nothing for one that wants JSON. The first type of `accept`
// that is offered decides.
std::optional<v1::ImageFormat> AcceptedImage(std::string_view accept);

// kInvalidArgument, with the reason NOT_ACCEPTABLE, for a client that takes an
// event stream and nothing that is offered. Other types that nobody offers are
// answered with JSON, since an answer is worth more than a refusal.
absl::Status CheckAccept(std::string_view accept);

// {"created": ..., "data": [{"b64_json": ..., "seed": ..., "width": ..., ...}], ...}
// with the settings that were used as "parameters", but for the prompts.
HttpResponse JsonAnswer(const v1::UpscaleResponse& response, const AnswerFacts& facts);

// The bytes of the first picture, its seed in a header. Requires a picture.
HttpResponse ImageAnswer(v1::UpscaleResponse response);

}  // namespace upscaler
