// A picture on its way from a job, which may take several calls: keeps what has arrived,
// and knows whether it is the whole.

#pragma once

#include <cstdint>
#include <optional>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "proto/upscaler/v1/job.pb.h"

namespace upscaler {

// Not thread-safe.
class PictureDownload {
 public:
  // A call begins, which has been asked for the bytes from received_bytes() on.
  void BeginCall() { header_due_ = true; }

  // Takes the next part. kInternal when it breaks the contract, or belongs to another
  // picture than those of earlier calls: what was received is then of no use.
  absl::Status Add(const v1::DownloadUpscaleJobResponse& part);

  std::uint64_t received_bytes() const { return picture_.data().size(); }

  // The whole picture. kInternal when bytes are missing, or are not those that were
  // announced. At most one call.
  absl::StatusOr<v1::UpscaledImage> Finish() &&;

 private:
  absl::Status Begin(const v1::UpscaleStreamResponse::ImageHeader& header);

  std::optional<v1::UpscaleStreamResponse::ImageHeader> header_;  // Of the first call.
  bool header_due_ = true;
  v1::UpscaledImage picture_;
};

}  // namespace upscaler
