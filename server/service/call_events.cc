#include "server/service/call_events.h"

#include <chrono>
#include <cstdint>

#include "server/service/validation.h"

namespace upscaler {
namespace {

using Progress = v1::UpscaleStreamResponse;

Progress::Phase PhaseOf(Stage stage) {
  switch (stage) {
    case Stage::kImageDecode:
    case Stage::kText:
    case Stage::kVaeEncode:
      return Progress::PHASE_ENCODE;
    case Stage::kDenoise:
      return Progress::PHASE_DENOISE;
    case Stage::kVaeDecode:
    case Stage::kImageEncode:
      return Progress::PHASE_DECODE;
  }
  return Progress::PHASE_UNSPECIFIED;
}

}  // namespace

google::protobuf::Duration ToProto(TimePoint::duration time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  google::protobuf::Duration duration;
  duration.set_seconds(seconds.count());
  duration.set_nanos(static_cast<std::int32_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time - seconds).count()));
  return duration;
}

v1::ImageSize ToProto(PictureSize size) {
  v1::ImageSize proto;
  proto.set_width(static_cast<std::uint32_t>(size.width));
  proto.set_height(static_cast<std::uint32_t>(size.height));
  return proto;
}

v1::Timings TimingsOf(const UpscaleOutcome& outcome) {
  v1::Timings timings;
  *timings.mutable_queue() = ToProto(outcome.timings.queue);
  *timings.mutable_encode() = ToProto(outcome.timings.encode);
  *timings.mutable_denoise() = ToProto(outcome.timings.denoise);
  *timings.mutable_decode() = ToProto(outcome.timings.decode);
  *timings.mutable_total() = ToProto(outcome.total);
  return timings;
}

v1::UpscaledImage DescribePicture(const UpscaledPicture& picture, ImageFormat format) {
  v1::UpscaledImage image;
  image.set_format(ToProto(format));
  *image.mutable_size() = ToProto(picture.size);
  image.set_seed(picture.seed);
  return image;
}

v1::UpscaleStreamResponse::Progress DescribeProgress(const JobProgress& progress,
                                                     TimePoint first_step, TimePoint now) {
  v1::UpscaleStreamResponse::Progress proto;
  proto.set_phase(PhaseOf(progress.stage));
  proto.set_step(static_cast<std::uint32_t>(progress.steps_done));
  proto.set_total_steps(static_cast<std::uint32_t>(progress.total_steps));
  // As if decoding were one step more: it comes after the last one and takes its time.
  proto.set_fraction(static_cast<double>(progress.steps_done) / (progress.total_steps + 1));
  if (progress.steps_done > 0) {
    const int steps_left = progress.total_steps - progress.steps_done;
    *proto.mutable_eta() = ToProto((now - first_step) * steps_left / progress.steps_done);
  }
  return proto;
}

}  // namespace upscaler
