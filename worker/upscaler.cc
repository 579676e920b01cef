#include "worker/upscaler.h"

#include <utility>

#include <absl/status/status.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "worker/upscale_job.h"

namespace upscaler {

Upscaler::Upscaler(const Options& options, RowQueue& queue, ThreadPool& pool, const Clock& clock,
                   Observer& observer)
    : surroundings_{.sides = options.sides,
                    .limits = options.limits,
                    .queue = queue,
                    .pool = pool,
                    .clock = clock,
                    .observer = observer} {}

Upscaler::~Upscaler() { AwaitIdle(TimePoint::max()); }

absl::StatusOr<std::shared_ptr<CancelToken>> Upscaler::Start(
    UpscaleTask task, std::shared_ptr<JobListener> listener) {
  if (task.deadline <= surroundings_.clock.Now()) {
    return WithReason(
        absl::DeadlineExceededError("the deadline had passed when the request arrived"),
        "DEADLINE_PASSED");
  }
  const auto places = static_cast<std::size_t>(task.image_count);
  const std::uint64_t number = next_number_.fetch_add(1, std::memory_order_relaxed);
  auto job = std::make_shared<UpscaleJob>(surroundings_, std::move(task), std::move(listener),
                                          [this, number] { Leave(number); });
  std::shared_ptr<CancelToken> token = job->token();
  // Before the queue lets it in: who waits for the last job to end must see it.
  Enter(number, token);
  UPSCALER_ASSIGN_OR_RETURN(Reservation reservation, surroundings_.queue.Reserve(places));
  surroundings_.pool.Add([job = std::move(job), reservation = std::move(reservation)]() mutable {
    job->Read(std::move(reservation));
  });
  return token;
}

void Upscaler::Cancel(CancelToken& token) {
  token.Cancel();
  surroundings_.queue.DropDeparted();
}

void Upscaler::CancelAll() {
  {
    MutexLock lock(mutex_);
    for (const auto& [number, token] : active_) token->Cancel();
  }
  surroundings_.queue.DropDeparted();
}

void Upscaler::AwaitIdle(TimePoint deadline) {
  MutexLock lock(mutex_);
  while (!active_.empty() && lock.WaitUntil(fewer_, deadline)) continue;
}

void Upscaler::Enter(std::uint64_t number, std::shared_ptr<CancelToken> token) {
  MutexLock lock(mutex_);
  active_.emplace(number, std::move(token));
}

void Upscaler::Leave(std::uint64_t number) {
  MutexLock lock(mutex_);
  active_.erase(number);
  fewer_.notify_all();
}

}  // namespace upscaler
