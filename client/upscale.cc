#include "client/upscale.h"

#include <future>
#include <utility>

#include "client/retrying_upscale.h"
#include "common/clock.h"

namespace upscaler {

absl::StatusOr<v1::UpscaleResponse> Upscale(
    const std::shared_ptr<grpc::Channel>& channel, UpscaleOrder order,
    absl::AnyInvocable<void(const v1::UpscaleStreamResponse&)> on_event,
    const RetryOptions& retries) {
  const SteadyClock clock;
  std::promise<absl::StatusOr<v1::UpscaleResponse>> answer;
  std::future<absl::StatusOr<v1::UpscaleResponse>> answered = answer.get_future();
  // The callback owns the promise: this function may have returned, and its locals
  // be gone, before set_value has.
  RetryingUpscale::Create(retries, clock)
      ->Start(channel, std::move(order),
              {.on_event = std::move(on_event),
               .on_done = [answer = std::move(answer)](
                              absl::StatusOr<v1::UpscaleResponse> response) mutable {
                 answer.set_value(std::move(response));
               }});
  return answered.get();
}

}  // namespace upscaler
