#include "worker/queue/reply.h"

#include <utility>

#include <absl/status/status.h>

namespace upscaler {

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
