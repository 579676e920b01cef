#include "client/timings.h"

namespace upscaler {

double ToSeconds(const google::protobuf::Duration& duration) {
  return static_cast<double>(duration.seconds()) + 1e-9 * duration.nanos();
}

nlohmann::ordered_json TimingsInSeconds(const v1::Timings& timings) {
  return {{"queue", ToSeconds(timings.queue())},
          {"encode", ToSeconds(timings.encode())},
          {"denoise", ToSeconds(timings.denoise())},
          {"decode", ToSeconds(timings.decode())},
          {"total", ToSeconds(timings.total())}};
}

}  // namespace upscaler
