// The time of day, which clients see and which is kept over a restart.

#pragma once

#include <chrono>
#include <functional>

#include <google/protobuf/timestamp.pb.h>

namespace upscaler {

using SystemTime = std::chrono::sys_time<std::chrono::nanoseconds>;

// What time it is. Thread-safe, as every implementation must be.
using SystemClock = std::function<SystemTime()>;

google::protobuf::Timestamp ToProto(SystemTime time);
SystemTime FromProto(const google::protobuf::Timestamp& time);

}  // namespace upscaler
