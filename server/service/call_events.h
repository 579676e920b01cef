// The worker's events as messages of the contract.

#pragma once

#include <cstddef>

#include <google/protobuf/duration.pb.h>

#include "common/clock.h"
#include "proto/upscaler/v1/upscaler.pb.h"
#include "worker/upscaler.h"

namespace upscaler {

google::protobuf::Duration ToProto(TimePoint::duration time);
v1::ImageSize ToProto(PictureSize size);
v1::Timings TimingsOf(const UpscaleOutcome& outcome);

// `picture` without its bytes. `format` is that of pictures; latents have none.
v1::UpscaledImage DescribePicture(const UpscaledPicture& picture, ImageFormat format);

// What comes before the bytes of the picture at `index`.
v1::UpscaleStreamResponse::ImageHeader DescribeHeader(const UpscaledPicture& picture,
                                                      ImageFormat format, std::size_t index);

v1::UpscaleStreamResponse::Accepted DescribeAccepted(const AcceptedPicture& picture,
                                                     v1::UpscaleSpec effective_spec);
v1::UpscaleStreamResponse::Queued DescribePlace(const QueuePlace& place);
v1::UpscaleStreamResponse::Preview DescribePreview(JobPreview preview);
v1::UpscaleStreamResponse::Completed DescribeCompleted(const UpscaleOutcome& outcome);

// `progress` with an estimate of the time left: the time since `first`, when progress was first
// told, drawn out to what remains. Without one at first.
v1::UpscaleStreamResponse::Progress DescribeProgress(const JobProgress& progress, TimePoint first,
                                                     TimePoint now);

}  // namespace upscaler
