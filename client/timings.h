// How long a request took, for people and programs that count in seconds.

#pragma once

#include <google/protobuf/duration.pb.h>
#include <nlohmann/json.hpp>

#include "proto/upscaler/v1/spec.pb.h"

namespace upscaler {

double ToSeconds(const google::protobuf::Duration& duration);

// {"queue": 0.1, "encode": ..., "denoise": ..., "decode": ..., "total": ...}
nlohmann::ordered_json TimingsInSeconds(const v1::Timings& timings);

}  // namespace upscaler
