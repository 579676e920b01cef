#include "server/service/call_events.h"

#include <chrono>
#include <cstdint>
#include <utility>

#include "server/service/spec_enums.h"

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
  if (picture.latents.has_value()) {
    v1::LatentsInfo& latents = *image.mutable_latents();
    latents.set_family(v1::LATENTS_FAMILY_SERVED_MODEL);
    latents.set_data_type(v1::TENSOR_DATA_TYPE_FLOAT32);
    latents.set_height(static_cast<std::uint32_t>(picture.latents->height));
    latents.set_width(static_cast<std::uint32_t>(picture.latents->width));
  } else {
    image.set_format(ToProto(format));
  }
  *image.mutable_size() = ToProto(picture.size);
  image.set_seed(picture.seed);
  return image;
}

v1::UpscaleStreamResponse::ImageHeader DescribeHeader(const UpscaledPicture& picture,
                                                      ImageFormat format, std::size_t index) {
  v1::UpscaleStreamResponse::ImageHeader header;
  header.set_index(static_cast<std::uint32_t>(index));
  *header.mutable_image() = DescribePicture(picture, format);
  header.set_total_bytes(picture.encoded.size());
  header.set_crc32(picture.crc32);
  return header;
}

v1::UpscaleStreamResponse::Accepted DescribeAccepted(const AcceptedPicture& picture,
                                                     v1::UpscaleSpec effective_spec) {
  v1::UpscaleStreamResponse::Accepted accepted;
  *accepted.mutable_effective_spec() = std::move(effective_spec);
  *accepted.mutable_input_size() = ToProto(picture.input);
  *accepted.mutable_output_size() = ToProto(picture.output);
  accepted.set_tile_count(static_cast<std::uint32_t>(picture.tiles));
  return accepted;
}

v1::UpscaleStreamResponse::Queued DescribePlace(const QueuePlace& place) {
  v1::UpscaleStreamResponse::Queued queued;
  queued.set_position(static_cast<std::uint32_t>(place.rows_ahead));
  if (place.until_done.has_value()) *queued.mutable_eta() = ToProto(*place.until_done);
  return queued;
}

v1::UpscaleStreamResponse::Preview DescribePreview(JobPreview preview) {
  v1::UpscaleStreamResponse::Preview proto;
  proto.set_image_index(static_cast<std::uint32_t>(preview.image));
  proto.set_preview_index(static_cast<std::uint32_t>(preview.number));
  proto.set_step(static_cast<std::uint32_t>(preview.steps_done));
  proto.set_total_steps(static_cast<std::uint32_t>(preview.total_steps));
  *proto.mutable_size() = ToProto(preview.size);
  proto.set_data(std::move(preview.encoded));
  return proto;
}

v1::UpscaleStreamResponse::Completed DescribeCompleted(const UpscaleOutcome& outcome) {
  v1::UpscaleStreamResponse::Completed completed;
  *completed.mutable_timings() = TimingsOf(outcome);
  completed.mutable_warnings()->Assign(outcome.warnings.begin(), outcome.warnings.end());
  return completed;
}

v1::UpscaleStreamResponse::Progress DescribeProgress(const JobProgress& progress, TimePoint first,
                                                     TimePoint now) {
  v1::UpscaleStreamResponse::Progress proto;
  proto.set_phase(PhaseOf(progress.stage));
  proto.set_step(static_cast<std::uint32_t>(progress.steps_done));
  proto.set_total_steps(static_cast<std::uint32_t>(progress.total_steps));
  proto.set_fraction(progress.fraction);
  if (progress.fraction > 0) {
    const std::chrono::duration<double> left =
        (now - first) * ((1 - progress.fraction) / progress.fraction);
    *proto.mutable_eta() = ToProto(std::chrono::duration_cast<TimePoint::duration>(left));
  }
  return proto;
}

}  // namespace upscaler
