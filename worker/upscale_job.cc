#include "worker/upscale_job.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "worker/imaging/within_memory.h"

namespace upscaler {
namespace {

// What padding may make of the largest picture allowed.
constexpr std::int64_t kPaddingAllowance = 2;

// The longest of each part, so that a request's timings read like one picture's.
void TakeLongest(RowTimings& into, const RowTimings& from) {
  into.queue = std::max(into.queue, from.queue);
  into.encode = std::max(into.encode, from.encode);
  into.denoise = std::max(into.denoise, from.denoise);
  into.decode = std::max(into.decode, from.decode);
}

}  // namespace

UpscaleJob::UpscaleJob(const JobSurroundings& surroundings, UpscaleTask task,
                       std::shared_ptr<JobListener> listener, absl::AnyInvocable<void() &&> on_end)
    : surroundings_(surroundings),
      start_(surroundings.clock.Now()),
      task_(std::move(task)),
      listener_(std::move(listener)),
      on_end_(std::move(on_end)),
      missing_(task_.image_count) {
  outcome_.pictures.resize(static_cast<std::size_t>(task_.image_count));
}

UpscaleJob::~UpscaleJob() { std::move(on_end_)(); }

void UpscaleJob::Read(Reservation reservation) {
  absl::StatusOr<std::shared_ptr<const Image>> picture =
      WithinMemory([this] { return ReadPicture(); });
  if (!picture.ok()) {
    { const Reservation released = std::move(reservation); }
    listener_->OnDone(picture.status());
    return;
  }
  std::vector<Row> rows;
  for (int i = 0; i < task_.image_count; ++i) rows.push_back(MakeRow(i, *picture));
  listener_->OnQueued(input_, surroundings_.queue.depth() - reservation.places());
  surroundings_.queue.Push(std::move(reservation), std::move(rows));
}

absl::StatusOr<std::shared_ptr<const Image>> UpscaleJob::ReadPicture() {
  if (token_->cancelled()) return absl::CancelledError("the request was cancelled");
  const TimePoint start = surroundings_.clock.Now();
  UPSCALER_ASSIGN_OR_RETURN(const Image decoded,
                            DecodeImage(task_.encoded_image, surroundings_.limits));
  input_ = {.width = decoded.width, .height = decoded.height};
  UPSCALER_RETURN_IF_ERROR(CheckPaddedSize());
  // Asked before the model runs for a picture that its format cannot hold.
  UPSCALER_RETURN_IF_ERROR(CheckSides(2 * input_.width, 2 * input_.height, task_.output.format));
  auto padded = std::make_shared<const Image>(PadByReflection(decoded, surroundings_.sides));
  task_.encoded_image = {};  // Not needed any more, and it may be large.
  surroundings_.observer.OnStage(Stage::kImageDecode, surroundings_.clock.Now() - start);
  return padded;
}

// The decoder's limit is on the picture as it came; a thin one grows.
absl::Status UpscaleJob::CheckPaddedSize() const {
  const SideRule& rule = surroundings_.sides;
  const std::int64_t width = PaddedSide(input_.width, rule);
  const std::int64_t height = PaddedSide(input_.height, rule);
  const std::int64_t least = std::int64_t{rule.minimum} * rule.minimum;
  const std::int64_t allowed = std::max(kPaddingAllowance * surroundings_.limits.max_pixels, least);
  if (width * height <= allowed) return absl::OkStatus();
  return InvalidField("image", fmt::format("{}x{} has to be continued to {}x{} for the model; at "
                                           "most {} pixels are allowed then",
                                           input_.width, input_.height, width, height, allowed));
}

Row UpscaleJob::MakeRow(int index, std::shared_ptr<const Image> picture) {
  return Row{
      .spec = {.picture = std::move(picture),
               .prompt = task_.prompt,
               .negative_prompt = task_.negative_prompt,
               .guidance_scale = task_.guidance_scale,
               .steps = task_.steps,
               .seed = SeedOf(index)},
      .deadline = task_.deadline,
      .cancel = token_,
      .progress = [job = shared_from_this()](int steps_done) { job->OnStep(steps_done); },
      .reply = Reply([job = shared_from_this(), index](absl::StatusOr<RowResult> result) {
        job->OnRow(index, std::move(result));
      }),
      .queued_at = {},
  };
}

std::uint64_t UpscaleJob::SeedOf(int index) const {
  return task_.seed + static_cast<std::uint64_t>(index);
}

void UpscaleJob::OnStep(int steps_done) {
  const int before = steps_done_.fetch_add(steps_done > 0 ? 1 : 0, std::memory_order_relaxed);
  Stage stage = Stage::kDenoise;
  if (steps_done == 0) stage = Stage::kModelEncode;
  if (steps_done == task_.steps) stage = Stage::kModelDecode;
  listener_->OnProgress({.stage = stage,
                         .steps_done = before + (steps_done > 0 ? 1 : 0),
                         .total_steps = task_.steps * task_.image_count});
}

void UpscaleJob::OnRow(int index, absl::StatusOr<RowResult> result) {
  if (!result.ok()) {
    Fail(result.status());
    return;
  }
  surroundings_.pool.Add([job = shared_from_this(), index, row = *std::move(result)]() mutable {
    job->Write(index, std::move(row));
  });
}

void UpscaleJob::Write(int index, RowResult row) {
  const TimePoint start = surroundings_.clock.Now();
  const PictureSize size = {.width = 2 * input_.width, .height = 2 * input_.height};
  absl::StatusOr<std::string> encoded = WithinMemory(
      [&] { return EncodeImage(Crop(row.image, size.width, size.height), task_.output); });
  surroundings_.observer.OnStage(Stage::kImageEncode, surroundings_.clock.Now() - start);
  if (!encoded.ok()) {
    Fail(encoded.status());
    return;
  }
  {
    MutexLock lock(mutex_);
    outcome_.pictures[static_cast<std::size_t>(index)] = {
        .encoded = *std::move(encoded), .size = size, .seed = SeedOf(index)};
    if (outcome_.warnings.empty()) outcome_.warnings = std::move(row.warnings);
    TakeLongest(outcome_.timings, row.timings);
  }
  Settle(absl::OkStatus());
}

void UpscaleJob::Fail(absl::Status status) {
  // In this order: what the others will say is that they were cancelled.
  Settle(std::move(status));
  token_->Cancel();
  surroundings_.queue.DropDeparted();
}

void UpscaleJob::Settle(absl::Status status) {
  absl::StatusOr<UpscaleOutcome> outcome;
  {
    MutexLock lock(mutex_);
    if (error_.ok()) error_ = std::move(status);
    if (--missing_ > 0) return;
    outcome_.total = surroundings_.clock.Now() - start_;
    if (error_.ok()) {
      outcome = std::move(outcome_);
    } else {
      outcome = error_;
    }
  }
  listener_->OnDone(std::move(outcome));
}

}  // namespace upscaler
