#include "worker/upscale_job.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "worker/imaging/within_memory.h"
#include "worker/scheduler/picture_memory.h"

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
      rows_(static_cast<std::size_t>(task_.image_count)),
      missing_(task_.image_count) {
  outcome_.pictures.resize(static_cast<std::size_t>(task_.image_count));
}

UpscaleJob::~UpscaleJob() { std::move(on_end_)(); }

void UpscaleJob::Read(Reservation reservation) {
  reservation_.emplace(std::move(reservation));
  absl::StatusOr<std::shared_ptr<const Image>> picture =
      WithinMemory([this] { return ReadPicture(); });
  if (!picture.ok()) {
    if (absl::IsCancelled(picture.status())) {
      surroundings_.observer.OnCancelled(CancelStage::kQueued);
    }
    End(picture.status());
    return;
  }
  std::vector<Row> rows;
  for (int i = 0; i < task_.image_count; ++i) rows.push_back(MakeRow(i, *picture));
  listener_->OnAccepted(input_);
  listener_->OnQueued({.rows_ahead = surroundings_.queue.RowsBefore(work_)});
  surroundings_.queue.Push(std::move(rows));
}

absl::StatusOr<std::shared_ptr<const Image>> UpscaleJob::ReadPicture() {
  if (token_->cancelled()) return absl::CancelledError("the request was cancelled");
  const TimePoint start = surroundings_.clock.Now();
  UPSCALER_ASSIGN_OR_RETURN(
      const Image decoded,
      DecodeImage(task_.input, surroundings_.limits, [this](int width, int height) {
        return Accept({.width = width, .height = height});
      }));
  auto padded = std::make_shared<const Image>(PadByReflection(decoded, surroundings_.sides));
  task_.input = {};  // Not needed any more, and it may be large.
  surroundings_.observer.OnStage(Stage::kImageDecode, surroundings_.clock.Now() - start);
  return padded;
}

absl::Status UpscaleJob::Accept(PictureSize input) {
  input_ = input;
  const BatchKey key = {.width = PaddedSide(input.width, surroundings_.sides),
                        .height = PaddedSide(input.height, surroundings_.sides),
                        .guided = task_.guidance_scale > 1.0};
  UPSCALER_RETURN_IF_ERROR(CheckPaddedSize(key));
  // Asked before the model runs for a picture that its format cannot hold.
  UPSCALER_RETURN_IF_ERROR(CheckSides(2 * input.width, 2 * input.height, task_.output.format));
  UPSCALER_RETURN_IF_ERROR(CheckMemory(key));
  work_ = surroundings_.costs.RowTime(key, task_.steps);
  decoding_ = surroundings_.costs.DecodeTime(key);
  // Nobody is refused for a guess.
  if (surroundings_.costs.Knows(key)) UPSCALER_RETURN_IF_ERROR(CheckDeadline());
  const absl::Status bytes = reservation_->Resize(BytesHeld(key));
  if (!absl::IsResourceExhausted(bytes)) return bytes;
  return WithRetryAfter(bytes, surroundings_.forecast.UntilRoom(reservation_->rows()));
}

// The decoder's limit is on the picture as it came; a thin one grows.
absl::Status UpscaleJob::CheckPaddedSize(const BatchKey& key) const {
  const SideRule& rule = surroundings_.sides;
  const std::int64_t least = std::int64_t{rule.minimum} * rule.minimum;
  const std::int64_t allowed = std::max(kPaddingAllowance * surroundings_.limits.max_pixels, least);
  if (std::int64_t{key.width} * key.height <= allowed) return absl::OkStatus();
  return InvalidField("image",
                      fmt::format("{}x{} has to be continued to {}x{} for the model; at "
                                  "most {} pixels are allowed then",
                                  input_.width, input_.height, key.width, key.height, allowed));
}

absl::Status UpscaleJob::CheckMemory(const BatchKey& key) const {
  const MemoryLimit& memory = surroundings_.memory;
  const std::int64_t needed = memory.row_bytes(key);
  if (needed <= memory.bytes) return absl::OkStatus();
  return TooLargeForMemory(key, needed, memory.bytes, surroundings_.sides);
}

absl::Status UpscaleJob::CheckDeadline() const {
  const TimePoint now = surroundings_.clock.Now();
  if (task_.deadline == TimePoint::max()) return absl::OkStatus();
  const TimePoint::duration needed = surroundings_.forecast.UntilDone(work_, reservation_->rows());
  if (now + needed <= task_.deadline) return absl::OkStatus();
  using Seconds = std::chrono::duration<double>;
  return WithReason(absl::DeadlineExceededError(fmt::format(
                        "the deadline cannot be met: {:.1f} s are left, about {:.1f} s are needed",
                        Seconds(task_.deadline - now).count(), Seconds(needed).count())),
                    "DEADLINE_UNREACHABLE");
}

// The picture as it came, decoded and padded, and for each row its result.
std::int64_t UpscaleJob::BytesHeld(const BatchKey& key) const {
  constexpr std::int64_t kBytesPerPixel = Image::kChannels;
  const std::int64_t decoded = std::int64_t{input_.width} * input_.height * kBytesPerPixel;
  const std::int64_t padded = std::int64_t{key.width} * key.height * kBytesPerPixel;
  return static_cast<std::int64_t>(task_.input.size()) + decoded + padded +
         task_.image_count * 4 * padded;
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
      .progress = [job = shared_from_this(),
                   index](int steps_done) { job->OnStep(index, steps_done); },
      .reply = Reply([job = shared_from_this(), index](absl::StatusOr<RowResult> result) {
        job->OnRow(index, std::move(result));
      }),
      .work = work_,
      .decoding = decoding_,
  };
}

std::uint64_t UpscaleJob::SeedOf(int index) const {
  return task_.seed + static_cast<std::uint64_t>(index);
}

void UpscaleJob::OnStep(int index, int steps_done) {
  int all_steps_done = 0;
  {
    MutexLock lock(mutex_);
    rows_[static_cast<std::size_t>(index)] = {.begun = true, .steps_done = steps_done};
    for (const RowState& row : rows_) all_steps_done += row.steps_done;
  }
  Stage stage = Stage::kDenoise;
  if (steps_done == 0) stage = Stage::kVaeEncode;
  if (steps_done == task_.steps) stage = Stage::kVaeDecode;
  listener_->OnProgress({.stage = stage,
                         .steps_done = all_steps_done,
                         .total_steps = task_.steps * task_.image_count});
}

void UpscaleJob::OnRow(int index, absl::StatusOr<RowResult> result) {
  if (!result.ok()) {
    bool begun = false;
    {
      MutexLock lock(mutex_);
      begun = rows_[static_cast<std::size_t>(index)].begun;
    }
    if (absl::IsCancelled(result.status())) {
      ObserveCancelled(begun ? CancelStage::kRunning : CancelStage::kQueued);
    }
    Fail(result.status());
    return;
  }
  surroundings_.pool.Add([job = shared_from_this(), index, row = *std::move(result)]() mutable {
    job->Write(index, std::move(row));
  });
}

void UpscaleJob::Write(int index, RowResult row) {
  if (token_->cancelled()) {
    ObserveCancelled(CancelStage::kDelivering);
    Fail(absl::CancelledError("the request was cancelled"));
    return;
  }
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

void UpscaleJob::ObserveCancelled(CancelStage stage) {
  {
    MutexLock lock(mutex_);
    if (!error_.ok() && !absl::IsCancelled(error_)) return;
  }
  surroundings_.observer.OnCancelled(stage);
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
  End(std::move(outcome));
}

void UpscaleJob::End(absl::StatusOr<UpscaleOutcome> outcome) {
  // Before the listener hears of it: whoever it tells may come with the next request.
  reservation_.reset();
  surroundings_.tally.End(outcome.status());
  listener_->OnDone(std::move(outcome));
}

}  // namespace upscaler
