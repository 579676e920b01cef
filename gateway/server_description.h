// The served model and what the service allows, as OpenAI's clients ask for it and as ours
// do.

#pragma once

#include <string_view>

#include "gateway/http_message.h"
#include "proto/upscaler/v1/upscaler.pb.h"

namespace upscaler {

// {"object": "list", "data": [{"id": ..., "object": "model", "created": 0, "owned_by": ...}]}
// with the served model alone, and without a model where `info` names none. `created` is
// always 0, as nobody wrote down when models were made.
HttpResponse ModelsAnswer(const v1::GetServerInfoResponse& info);

// The model of that list whose id is `id`; 404 where it is not served.
HttpResponse ModelAnswer(const v1::GetServerInfoResponse& info, std::string_view id);

// {"version": ..., "state": "serving", "model": {...}, "devices": [...], "limits": {...},
// "defaults": {...}, "input_formats": [...], "output_formats": [...]}, the limits and defaults
// under the names that the form's fields have.
HttpResponse CapabilitiesAnswer(const v1::GetServerInfoResponse& info);

}  // namespace upscaler
