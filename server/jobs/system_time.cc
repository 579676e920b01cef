#include "server/jobs/system_time.h"

#include <cstdint>

namespace upscaler {

google::protobuf::Timestamp ToProto(SystemTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  google::protobuf::Timestamp proto;
  proto.set_seconds(seconds.time_since_epoch().count());
  proto.set_nanos(static_cast<std::int32_t>((time - seconds).count()));
  return proto;
}

SystemTime FromProto(const google::protobuf::Timestamp& time) {
  return SystemTime(std::chrono::seconds(time.seconds()) + std::chrono::nanoseconds(time.nanos()));
}

}  // namespace upscaler
