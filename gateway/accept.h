// In which form a client wants its answer, by its header Accept.

#pragma once

#include <optional>
#include <string_view>

#include "proto/upscaler/v1/spec.pb.h"

namespace upscaler {

// What an upscale's answer may be: JSON where neither is set.
struct AnswerForm {
  std::optional<v1::ImageFormat> image{};  // The picture itself, in this format.
  bool events = false;                     // Server-sent events.
};

// The first type of `accept` that is offered decides. Where none is, the answer is JSON:
// an answer is worth more than a refusal.
AnswerForm AcceptedForm(std::string_view accept);

}  // namespace upscaler
