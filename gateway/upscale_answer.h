// The finished pictures as REST answers.

#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

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

// {"b64_json" or "url": ..., "seed": ..., "width": ..., "height": ...}. `image` has no data
// afterwards: a large picture is not held both ways for longer than it has to be.
nlohmann::ordered_json TakePicture(v1::UpscaledImage& image, UpscaleForm::ResponseFormat form);

// {"guidance_scale": ..., "n": ...}: the settings, but for the prompts.
nlohmann::ordered_json DescribeParameters(const v1::UpscaleSpec& spec);

// {"model": ..., "output_format": ..., "parameters": {...}, "timings": {...}, "warnings": [...]}:
// what is said of all pictures of an answer, the settings that were used among them, but for
// the prompts.
nlohmann::ordered_json DescribeRun(const v1::UpscaleResponse& response, const std::string& model);

// {"created": ..., "data": [TakePicture's], "id": ...} and what DescribeRun says.
HttpResponse JsonAnswer(v1::UpscaleResponse response, const AnswerFacts& facts);

// The bytes of the first picture, its seed in a header. Requires a picture.
HttpResponse ImageAnswer(v1::UpscaleResponse response);

}  // namespace upscaler
