#include "worker/upscaler.h"

#include <utility>

#include <absl/status/status.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "worker/upscale_job.h"

namespace upscaler {

Upscaler::Upscaler(const Options& options, Admission& admission, const SchedulerParts& scheduler,
                   const Pools& pools)
    : forecast_(admission, scheduler.queue, scheduler.costs, options.replicas),
      surroundings_{.rules = options.rules,
                    .admission = admission,
                    .queue = scheduler.queue,
                    .pool = pools.images,
                    .band_pool = pools.bands,
                    .clock = scheduler.clock,
                    .observer = scheduler.observer,
                    .costs = scheduler.costs,
                    .forecast = forecast_,
                    .tally = tally_,
                    .service = options.service} {}

Upscaler::~Upscaler() { AwaitIdle(TimePoint::max()); }

absl::StatusOr<std::shared_ptr<CancelToken>> Upscaler::Start(
    UpscaleTask task, std::shared_ptr<JobListener> listener) {
  if (task.deadline <= surroundings_.clock.Now()) {
    return WithReason(
        absl::DeadlineExceededError("the deadline had passed when the request arrived"),
        "DEADLINE_PASSED");
  }
  const auto rows = static_cast<std::size_t>(task.image_count);
  const auto bytes = static_cast<std::int64_t>(task.input.size());
  const std::uint64_t number = next_number_.fetch_add(1, std::memory_order_relaxed);
  auto job = std::make_shared<UpscaleJob>(surroundings_, std::move(task), std::move(listener),
                                          [this, number] { Leave(number); });
  std::shared_ptr<CancelToken> token = job->token();
  // Before it is admitted: who waits for the last job to end must see it.
  Enter(number, token);
  absl::StatusOr<Reservation> reservation = surroundings_.admission.Reserve(rows, bytes);
  if (absl::IsResourceExhausted(reservation.status())) {
    return WithRetryAfter(reservation.status(), forecast_.UntilRoom(rows));
  }
  UPSCALER_RETURN_IF_ERROR(reservation.status());
  tally_.Admit();
  surroundings_.pool.Add([job = std::move(job), admitted = *std::move(reservation)]() mutable {
    job->Read(std::move(admitted));
  });
  return token;
}

void Upscaler::Cancel(CancelToken& token) {
  token.Cancel();
  surroundings_.queue.DropDeparted();
}

absl::StatusOr<UpscaleEstimate> Upscaler::Estimate(const UpscaleTask& task,
                                                   const PictureHeader& came) const {
  if (task.latents.has_value()) {
    UPSCALER_RETURN_IF_ERROR(CheckFamily(task.latents->family, rules().latents));
  }
  UPSCALER_ASSIGN_OR_RETURN(const RequestPlan plan,
                            PlanRequest(rules(), surroundings_.costs, task, came));
  UPSCALER_RETURN_IF_ERROR(surroundings_.admission.CheckLimits(
      static_cast<std::size_t>(task.image_count), plan.host_bytes));
  UpscaleEstimate estimate{.output = ScaledBy(plan.input, task.scale),
                           .tiles = plan.runs.front().tiles,
                           .device_bytes = plan.device_bytes(),
                           .host_bytes = plan.host_bytes};
  if (!plan.work_is_guess()) {
    estimate.work = plan.work() * task.image_count;
    estimate.until_done =
        forecast_.UntilDone(plan.work(), static_cast<std::size_t>(task.image_count));
  }
  return estimate;
}

void Upscaler::CancelAll() {
  {
    MutexLock lock(mutex_);
    for (const auto& [number, token] : active_) token->Cancel(CancelCause::kShutdown);
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
