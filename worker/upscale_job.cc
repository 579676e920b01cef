#include "worker/upscale_job.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "worker/imaging/encode_options.h"
#include "worker/imaging/within_memory.h"

namespace upscaler {

UpscaleJob::UpscaleJob(const JobSurroundings& surroundings, UpscaleTask task,
                       std::shared_ptr<JobListener> listener, absl::AnyInvocable<void() &&> on_end)
    : surroundings_(surroundings),
      start_(surroundings.clock.Now()),
      task_(std::move(task)),
      listener_(std::move(listener)),
      on_end_(std::move(on_end)),
      earlier_runs_(static_cast<std::size_t>(task_.image_count)),
      previews_shown_(static_cast<std::size_t>(task_.image_count)),
      missing_(task_.image_count) {
  outcome_.pictures.resize(static_cast<std::size_t>(task_.image_count));
}

UpscaleJob::~UpscaleJob() { std::move(on_end_)(); }

void UpscaleJob::Read(Reservation reservation) {
  reservation_.emplace(std::move(reservation));
  if (const absl::Status read = ReadInput(); !read.ok()) {
    if (absl::IsCancelled(read)) surroundings_.observer.OnCancelled(CancelStage::kQueued);
    End(read);
    return;
  }
  std::vector<Row> rows;
  for (int i = 0; i < task_.image_count; ++i) rows.push_back(MakeRow(i, 0, nullptr));
  const TimePoint::duration work = RunOf(0).work;
  QueuePlace place = {.rows_ahead = surroundings_.queue.RowsBefore(work),
                      .until_done = UntilDone(surroundings_.queue.WorkBefore(work))};
  {
    MutexLock lock(mutex_);
    rows_ahead_ = place.rows_ahead;
    course_ = CourseOf(task_, plan_);
  }
  listener_->OnAccepted({.input = plan_.input,
                         .output = ScaledBy(plan_.input, task_.scale),
                         .tiles = RunOf(0).tiles});
  listener_->OnQueued(place);
  // What they share lives in them from here on.
  input_.picture = nullptr;
  input_.latents = nullptr;
  queued_at_ = surroundings_.clock.Now();
  surroundings_.queue.Push(std::move(rows));
}

absl::Status UpscaleJob::ReadInput() {
  if (token_->cancelled()) return token_->status();
  const TimePoint start = surroundings_.clock.Now();
  const auto accept = [this](const PictureHeader& came) { return Accept(came); };
  UPSCALER_ASSIGN_OR_RETURN(
      input_, WithinMemory([&] { return ReadJobInput(task_, surroundings_.rules, accept); }));
  std::string().swap(task_.input);  // Not needed any more, and it may be large.
  const TimePoint end = surroundings_.clock.Now();
  surroundings_.observer.OnStage(Stage::kImageDecode, end - start);
  RowTrace(task_.trace, 0).OnPart(WorkPart::kDecodePicture, start, end);
  return absl::OkStatus();
}

absl::StatusOr<PictureSize> UpscaleJob::Accept(const PictureHeader& came) {
  UPSCALER_ASSIGN_OR_RETURN(plan_,
                            PlanRequest(surroundings_.rules, surroundings_.costs, task_, came));
  // Nobody is refused for a guess.
  if (!plan_.work_is_guess()) UPSCALER_RETURN_IF_ERROR(CheckDeadline());
  const absl::Status bytes =
      reservation_->Resize(static_cast<std::int64_t>(task_.input.size()) + plan_.host_bytes);
  if (bytes.ok()) return plan_.input;
  if (!absl::IsResourceExhausted(bytes)) return bytes;
  return WithRetryAfter(bytes, surroundings_.forecast.UntilRoom(reservation_->rows()));
}

absl::Status UpscaleJob::CheckDeadline() const {
  const TimePoint now = surroundings_.clock.Now();
  if (task_.deadline == TimePoint::max()) return absl::OkStatus();
  const TimePoint::duration needed =
      surroundings_.forecast.UntilDone(plan_.work(), reservation_->rows());
  if (now + needed <= task_.deadline) return absl::OkStatus();
  using Seconds = std::chrono::duration<double>;
  return WithReason(absl::DeadlineExceededError(fmt::format(
                        "the deadline cannot be met: {:.1f} s are left, about {:.1f} s are needed",
                        Seconds(task_.deadline - now).count(), Seconds(needed).count())),
                    "DEADLINE_UNREACHABLE");
}

Row UpscaleJob::MakeRow(int index, std::size_t run, std::shared_ptr<const Latents> latents) {
  const ModelRun& of = RunOf(run);
  const bool last = run + 1 == plan_.runs.size();
  RowSpec spec{.picture = run == 0 ? input_.picture : nullptr,
               .latents = run == 0 ? input_.latents : std::move(latents),
               .prompt = task_.prompt,
               .negative_prompt = task_.negative_prompt,
               .guidance_scale = task_.guidance_scale,
               .steps = task_.steps,
               .seed = SeedOf(index),
               .latents_wanted = !last || task_.output_type == OutputType::kLatents,
               .bits = MovesColours(*input_.traits, task_.output) ? 16 : task_.output.bits,
               .preview_count = PreviewsOf(run),
               .tile_side = of.tile_side};
  Row row{
      .spec = std::move(spec),
      .deadline = task_.deadline,
      .cancel = token_,
      .progress = [job = shared_from_this(),
                   index](const RowAdvance& advance) { job->OnAdvance(index, advance); },
      .reply = Reply([job = shared_from_this(), index](absl::StatusOr<RowResult> result) {
        job->OnRow(index, std::move(result));
      }),
      .work = of.work,
      .work_is_guess = of.work_is_guess,
      .decoding = of.decoding,
      .trace = RowTrace(task_.trace, index),
  };
  if (row.spec.preview_count > 0) {
    row.preview = [job = shared_from_this(), index](int steps_done, Image image) {
      job->OnPreview(index, steps_done, std::move(image));
    };
  }
  if (index == 0 && run == 0) {
    row.place = std::make_shared<const RowPlaceListener>(
        [job = shared_from_this()](const RowPlace& place) { job->OnPlace(place); });
  }
  return row;
}

int UpscaleJob::PreviewsOf(std::size_t run) const {
  // Spread over all runs alike, the later ones first: their looks show more.
  const auto runs = static_cast<int>(plan_.runs.size());
  return (task_.preview_count + static_cast<int>(run)) / runs;
}

std::uint64_t UpscaleJob::SeedOf(int index) const {
  return task_.seed + static_cast<std::uint64_t>(index);
}

// A place and a preview are told with the lock held: so nothing comes after OnDone, which
// follows when missing_ is 0, and no place after the first row was begun.

void UpscaleJob::OnPlace(const RowPlace& place) {
  MutexLock lock(mutex_);
  if (missing_ == 0 || course_.begun(0) || place.rows_ahead == rows_ahead_) return;
  rows_ahead_ = place.rows_ahead;
  listener_->OnQueued({.rows_ahead = place.rows_ahead, .until_done = UntilDone(place.work_ahead)});
}

void UpscaleJob::OnPreview(int index, int steps_done, Image image) {
  {
    MutexLock lock(mutex_);
    ++missing_;
    const auto picture = static_cast<std::size_t>(index);
    const std::size_t run = course_.run(picture);
    previews_.push_back({.index = index,
                         .number = previews_shown_[picture]++,
                         .run = run,
                         .steps_done = course_.StepsBefore(run) + steps_done,
                         .image = std::move(image)});
    if (previews_.size() > 1) return;  // Somebody is at it.
  }
  surroundings_.pool.Add([job = shared_from_this()] { job->ShowPreviews(); });
}

void UpscaleJob::ShowPreviews() {
  bool more = true;
  while (more) {
    PictureLook preview;
    {
      MutexLock lock(mutex_);
      preview = std::move(previews_.front());
    }
    std::optional<JobPreview> encoded =
        EncodePreview(preview, plan_.input, surroundings_.rules,
                      task_.steps * static_cast<int>(plan_.runs.size()));
    {
      MutexLock lock(mutex_);
      if (encoded.has_value()) listener_->OnPreview(*std::move(encoded));
      previews_.pop_front();
      more = !previews_.empty();
    }
    Settle(absl::OkStatus());
  }
}

std::optional<TimePoint::duration> UpscaleJob::UntilDone(TimePoint::duration work_ahead) const {
  if (plan_.work_is_guess()) return std::nullopt;
  return surroundings_.forecast.UntilDone(work_ahead, plan_.work(), reservation_->rows());
}

void UpscaleJob::OnAdvance(int index, const RowAdvance& advance) {
  JobProgress progress;
  {
    MutexLock lock(mutex_);
    progress = course_.Advance(static_cast<std::size_t>(index), advance);
  }
  listener_->OnProgress(progress);
}

void UpscaleJob::OnBand(int index, double share) {
  JobProgress progress;
  {
    MutexLock lock(mutex_);
    progress = course_.Decode(static_cast<std::size_t>(index), share);
  }
  listener_->OnProgress(progress);
}

void UpscaleJob::OnRow(int index, absl::StatusOr<RowResult> result) {
  bool begun = false;
  bool last = false;
  {
    MutexLock lock(mutex_);
    begun = course_.begun(static_cast<std::size_t>(index));
    last = course_.in_last_run(static_cast<std::size_t>(index));
  }
  if (!result.ok()) {
    if (absl::IsCancelled(result.status())) {
      ObserveCancelled(begun ? CancelStage::kRunning : CancelStage::kQueued);
    }
    if (!begun) {
      RowTrace(task_.trace, index).OnPart(WorkPart::kQueue, queued_at_, surroundings_.clock.Now());
    }
    Fail(result.status());
    return;
  }
  if (!last) {
    BeginNextRun(index, *std::move(result));
    return;
  }
  const bool in_bands = std::holds_alternative<std::unique_ptr<PictureRows>>(result->output);
  ThreadPool& pool = in_bands ? surroundings_.band_pool : surroundings_.pool;
  pool.Add([job = shared_from_this(), index, row = *std::move(result)]() mutable {
    job->Write(index, std::move(row));
  });
}

void UpscaleJob::BeginNextRun(int index, RowResult row) {
  std::size_t run = 0;
  {
    MutexLock lock(mutex_);
    const auto picture = static_cast<std::size_t>(index);
    earlier_runs_[picture].Add(row.timings);
    course_.BeginNextRun(picture);
    run = course_.run(picture);
  }
  std::vector<Row> rows;
  rows.push_back(MakeRow(
      index, run, std::make_shared<const Latents>(std::get<Latents>(std::move(row.output)))));
  surroundings_.queue.Push(std::move(rows));
}

void UpscaleJob::Write(int index, RowResult row) {
  if (token_->cancelled()) {
    if (absl::IsCancelled(token_->status())) ObserveCancelled(CancelStage::kDelivering);
    Fail(token_->status());
    return;
  }
  const TimePoint start = surroundings_.clock.Now();
  absl::StatusOr<UpscaledPicture> picture = WithinMemory([&] {
    return WriteJobOutput(std::move(row.output), FormOf(index),
                          [&](double share) { OnBand(index, share); });
  });
  const TimePoint end = surroundings_.clock.Now();
  surroundings_.observer.OnStage(Stage::kImageEncode, end - start);
  RowTrace(task_.trace, index).OnPart(WorkPart::kEncodePicture, start, end);
  if (!picture.ok()) {
    if (absl::IsCancelled(picture.status())) ObserveCancelled(CancelStage::kDelivering);
    Fail(picture.status());
    return;
  }
  {
    MutexLock lock(mutex_);
    outcome_.pictures[static_cast<std::size_t>(index)] = *std::move(picture);
    row.timings.Add(earlier_runs_[static_cast<std::size_t>(index)]);
    outcome_.timings.TakeLongest(row.timings);
    if (outcome_.warnings.empty()) {
      outcome_.warnings = input_.warnings;
      // Of the prompt, which both runs have read.
      outcome_.warnings.insert(outcome_.warnings.end(), row.warnings.begin(), row.warnings.end());
    }
  }
  Settle(absl::OkStatus());
}

OutputForm UpscaleJob::FormOf(int index) const {
  OutputForm form{.size = ScaledBy(plan_.input, task_.scale),
                  .seed = SeedOf(index),
                  .traits = *input_.traits,
                  .options = task_.output,
                  .latents = surroundings_.rules.latents};
  form.options.parameters =
      DescribeParameters(task_, form.seed, form.size, surroundings_.service());
  return form;
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
  // Before the listener hears of it: whoever it tells may come with the next request. The
  // pictures keep their room until they are delivered.
  if (outcome.ok()) {
    reservation_->ReleaseRows();
    std::int64_t bytes = 0;
    for (const UpscaledPicture& picture : outcome->pictures) {
      bytes += static_cast<std::int64_t>(picture.encoded.size());
    }
    // Where they turned out larger than what was reserved, that stays as it is.
    reservation_->Resize(bytes).IgnoreError();
    outcome->room = std::move(*reservation_);
  }
  reservation_.reset();
  surroundings_.tally.End(outcome.status());
  listener_->OnDone(std::move(outcome));
}

}  // namespace upscaler
