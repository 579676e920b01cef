#include "worker/queue/reply.h"

#include <algorithm>
#include <utility>

#include <absl/status/status.h>

namespace upscaler {

void RowTimings::Add(const RowTimings& other) {
  queue += other.queue;
  encode += other.encode;
  denoise += other.denoise;
  decode += other.decode;
}

void RowTimings::TakeLongest(const RowTimings& other) {
  queue = std::max(queue, other.queue);
  encode = std::max(encode, other.encode);
  denoise = std::max(denoise, other.denoise);
  decode = std::max(decode, other.decode);
}

Reply::Reply(Receiver receiver) : receiver_(std::move(receiver)) {}

Reply::Reply(Reply&& other) noexcept : receiver_(std::exchange(other.receiver_, nullptr)) {}

Reply::~Reply() {
  if (receiver_ != nullptr) {
    std::move(*this).Send(absl::InternalError("the row was dropped before it was done"));
  }
}

void Reply::Send(absl::StatusOr<RowResult> result) && {
  std::exchange(receiver_, nullptr)(std::move(result));
}

}  // namespace upscaler
