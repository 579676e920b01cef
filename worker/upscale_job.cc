#include "worker/upscale_job.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "common/crc32.h"
#include "common/error_details.h"
#include "common/status_macros.h"
#include "worker/imaging/codec.h"
#include "worker/imaging/padding.h"
#include "worker/imaging/resize.h"
#include "worker/imaging/within_memory.h"

namespace upscaler {
namespace {

// Of a preview, from 0 to 100: it is looked at for a moment.
constexpr int kPreviewQuality = 80;

// The longest of each part, so that a request's timings read like one picture's.
void TakeLongest(RowTimings& into, const RowTimings& from) {
  into.queue = std::max(into.queue, from.queue);
  into.encode = std::max(into.encode, from.encode);
  into.denoise = std::max(into.denoise, from.denoise);
  into.decode = std::max(into.decode, from.decode);
}

// All that comes of `rows`.
absl::StatusOr<Image> Collect(PictureRows& rows) {
  Image picture{.width = rows.width(), .height = 0, .pixels = {}};
  while (picture.height < rows.height()) {
    UPSCALER_ASSIGN_OR_RETURN(const Image band, rows.Next());
    picture.height += band.height;
    picture.pixels.insert(picture.pixels.end(), band.pixels.begin(), band.pixels.end());
  }
  return picture;
}

absl::StatusOr<Image> PictureOf(RowOutput output) {
  if (const auto* rows = std::get_if<std::unique_ptr<PictureRows>>(&output)) return Collect(**rows);
  return std::get<Image>(std::move(output));
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
  const absl::StatusOr<RowSpec> common = WithinMemory([this] { return ReadInput(); });
  if (!common.ok()) {
    if (absl::IsCancelled(common.status())) {
      surroundings_.observer.OnCancelled(CancelStage::kQueued);
    }
    End(common.status());
    return;
  }
  encoding_steps_ = common->tile_side > 0 ? 1 : 0;
  std::vector<Row> rows;
  for (int i = 0; i < task_.image_count; ++i) rows.push_back(MakeRow(i, *common));
  QueuePlace place = {.rows_ahead = surroundings_.queue.RowsBefore(plan_.work),
                      .until_done = UntilDone(surroundings_.queue.WorkBefore(plan_.work))};
  {
    MutexLock lock(mutex_);
    rows_ahead_ = place.rows_ahead;
  }
  listener_->OnAccepted(plan_.input);
  listener_->OnQueued(place);
  surroundings_.queue.Push(std::move(rows));
}

absl::StatusOr<RowSpec> UpscaleJob::ReadInput() {
  if (token_->cancelled()) return token_->status();
  const TimePoint start = surroundings_.clock.Now();
  UPSCALER_ASSIGN_OR_RETURN(RowSpec spec,
                            task_.latents.has_value() ? ReadLatents() : ReadPicture());
  task_.input = {};  // Not needed any more, and it may be large.
  surroundings_.observer.OnStage(Stage::kImageDecode, surroundings_.clock.Now() - start);
  return spec;
}

absl::StatusOr<RowSpec> UpscaleJob::ReadPicture() {
  const RequestRules& rules = surroundings_.rules;
  UPSCALER_ASSIGN_OR_RETURN(Image image,
                            DecodeImage(task_.input, rules.limits, [this](int width, int height) {
                              return Accept({.width = width, .height = height});
                            }));
  UPSCALER_ASSIGN_OR_RETURN(image,
                            ResizeImage(std::move(image), plan_.input.width, plan_.input.height));
  return RowSpec{.picture = std::make_shared<const Image>(PadByReflection(image, rules.sides))};
}

absl::StatusOr<RowSpec> UpscaleJob::ReadLatents() {
  const RequestRules& rules = surroundings_.rules;
  const LatentsForm& form = *task_.latents;
  UPSCALER_RETURN_IF_ERROR(CheckFamily(form.family, rules.latents));
  UPSCALER_RETURN_IF_ERROR(Accept({.width = form.width * rules.latents.reduction,
                                   .height = form.height * rules.latents.reduction}));
  UPSCALER_ASSIGN_OR_RETURN(const Latents latents, ParseLatents(task_.input, form, rules.latents));
  return RowSpec{.picture = nullptr,
                 .latents = std::make_shared<const Latents>(PadByReflection(latents, rules.sides))};
}

absl::Status UpscaleJob::Accept(PictureSize came) {
  UPSCALER_ASSIGN_OR_RETURN(plan_,
                            PlanRequest(surroundings_.rules, surroundings_.costs, task_, came));
  // Nobody is refused for a guess.
  if (!plan_.work_is_guess) UPSCALER_RETURN_IF_ERROR(CheckDeadline());
  const absl::Status bytes =
      reservation_->Resize(static_cast<std::int64_t>(task_.input.size()) + plan_.host_bytes);
  if (!absl::IsResourceExhausted(bytes)) return bytes;
  return WithRetryAfter(bytes, surroundings_.forecast.UntilRoom(reservation_->rows()));
}

absl::Status UpscaleJob::CheckDeadline() const {
  const TimePoint now = surroundings_.clock.Now();
  if (task_.deadline == TimePoint::max()) return absl::OkStatus();
  const TimePoint::duration needed =
      surroundings_.forecast.UntilDone(plan_.work, reservation_->rows());
  if (now + needed <= task_.deadline) return absl::OkStatus();
  using Seconds = std::chrono::duration<double>;
  return WithReason(absl::DeadlineExceededError(fmt::format(
                        "the deadline cannot be met: {:.1f} s are left, about {:.1f} s are needed",
                        Seconds(task_.deadline - now).count(), Seconds(needed).count())),
                    "DEADLINE_UNREACHABLE");
}

Row UpscaleJob::MakeRow(int index, RowSpec spec) {
  spec.prompt = task_.prompt;
  spec.negative_prompt = task_.negative_prompt;
  spec.guidance_scale = task_.guidance_scale;
  spec.steps = task_.steps;
  spec.seed = SeedOf(index);
  spec.latents_wanted = task_.output_type == OutputType::kLatents;
  spec.preview_count = task_.preview_count;
  Row row{
      .spec = std::move(spec),
      .deadline = task_.deadline,
      .cancel = token_,
      .progress = [job = shared_from_this(),
                   index](const RowAdvance& advance) { job->OnAdvance(index, advance); },
      .reply = Reply([job = shared_from_this(), index](absl::StatusOr<RowResult> result) {
        job->OnRow(index, std::move(result));
      }),
      .work = plan_.work,
      .work_is_guess = plan_.work_is_guess,
      .decoding = plan_.decoding,
  };
  if (task_.preview_count > 0) {
    row.preview = [job = shared_from_this(), index](int steps_done, Image image) {
      job->OnPreview(index, steps_done, std::move(image));
    };
  }
  if (index == 0) {
    row.place = std::make_shared<const RowPlaceListener>(
        [job = shared_from_this()](const RowPlace& place) { job->OnPlace(place); });
  }
  return row;
}

std::uint64_t UpscaleJob::SeedOf(int index) const {
  return task_.seed + static_cast<std::uint64_t>(index);
}

// A place and a preview are told with the lock held: so nothing comes after OnDone, which
// follows when missing_ is 0, and no place after the first row was begun.

void UpscaleJob::OnPlace(const RowPlace& place) {
  MutexLock lock(mutex_);
  if (missing_ == 0 || rows_.front().begun || place.rows_ahead == rows_ahead_) return;
  rows_ahead_ = place.rows_ahead;
  listener_->OnQueued({.rows_ahead = place.rows_ahead, .until_done = UntilDone(place.work_ahead)});
}

void UpscaleJob::OnPreview(int index, int steps_done, Image image) {
  {
    MutexLock lock(mutex_);
    ++missing_;
    previews_.push_back({.index = index,
                         .number = rows_[static_cast<std::size_t>(index)].previews++,
                         .steps_done = steps_done,
                         .image = std::move(image)});
    if (previews_.size() > 1) return;  // Somebody is at it.
  }
  surroundings_.pool.Add([job = shared_from_this()] { job->ShowPreviews(); });
}

void UpscaleJob::ShowPreviews() {
  bool more = true;
  while (more) {
    Preview preview;
    {
      MutexLock lock(mutex_);
      preview = std::move(previews_.front());
    }
    std::optional<JobPreview> encoded = Encode(preview);
    {
      MutexLock lock(mutex_);
      if (encoded.has_value()) listener_->OnPreview(*std::move(encoded));
      previews_.pop_front();
      more = !previews_.empty();
    }
    Settle(absl::OkStatus());
  }
}

std::optional<JobPreview> UpscaleJob::Encode(const Preview& preview) const {
  const PictureSize size = LatentsSizeOf(DoubleOf(plan_.input), surroundings_.rules.latents);
  absl::StatusOr<std::string> encoded = WithinMemory([&] {
    return EncodeImage(Crop(preview.image, size.width, size.height),
                       {.format = ImageFormat::kJpeg, .quality = kPreviewQuality});
  });
  if (!encoded.ok()) return std::nullopt;  // The picture itself matters more.
  return JobPreview{.image = preview.index,
                    .number = preview.number,
                    .steps_done = preview.steps_done,
                    .total_steps = task_.steps,
                    .size = size,
                    .encoded = *std::move(encoded)};
}

std::optional<TimePoint::duration> UpscaleJob::UntilDone(TimePoint::duration work_ahead) const {
  if (plan_.work_is_guess) return std::nullopt;
  return surroundings_.forecast.UntilDone(work_ahead, plan_.work, reservation_->rows());
}

void UpscaleJob::OnAdvance(int index, const RowAdvance& advance) {
  int all_steps_done = 0;
  double way = 0;
  {
    MutexLock lock(mutex_);
    RowState& advanced = rows_[static_cast<std::size_t>(index)];
    advanced.begun = true;
    advanced.steps_done = advance.steps_done;
    advanced.way = advance.encoding ? encoding_steps_ * advance.share
                                    : encoding_steps_ + advance.steps_done + advance.share;
    for (const RowState& row : rows_) {
      all_steps_done += row.steps_done;
      way += row.way;
    }
  }
  Stage stage = Stage::kDenoise;
  if (advance.encoding) stage = Stage::kVaeEncode;
  if (advance.steps_done == task_.steps) stage = Stage::kVaeDecode;
  // As if decoding were one step more: it comes after the last one and takes its time.
  const int whole_way = (encoding_steps_ + task_.steps) * task_.image_count + 1;
  listener_->OnProgress({.stage = stage,
                         .steps_done = all_steps_done,
                         .total_steps = task_.steps * task_.image_count,
                         .fraction = way / whole_way});
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
    if (absl::IsCancelled(token_->status())) ObserveCancelled(CancelStage::kDelivering);
    Fail(token_->status());
    return;
  }
  const TimePoint start = surroundings_.clock.Now();
  absl::StatusOr<UpscaledPicture> picture =
      WithinMemory([&] { return WritePicture(index, std::move(row.output)); });
  surroundings_.observer.OnStage(Stage::kImageEncode, surroundings_.clock.Now() - start);
  if (!picture.ok()) {
    if (absl::IsCancelled(picture.status())) ObserveCancelled(CancelStage::kDelivering);
    Fail(picture.status());
    return;
  }
  {
    MutexLock lock(mutex_);
    outcome_.pictures[static_cast<std::size_t>(index)] = *std::move(picture);
    if (outcome_.warnings.empty()) outcome_.warnings = std::move(row.warnings);
    TakeLongest(outcome_.timings, row.timings);
  }
  Settle(absl::OkStatus());
}

absl::StatusOr<UpscaledPicture> UpscaleJob::WritePicture(int index, RowOutput output) const {
  UpscaledPicture picture{.encoded = {}, .size = DoubleOf(plan_.input), .seed = SeedOf(index)};
  if (const auto* latents = std::get_if<Latents>(&output)) {
    const PictureSize size = LatentsSizeOf(picture.size, surroundings_.rules.latents);
    picture.encoded = SerializeLatents(Crop(*latents, size.width, size.height));
    picture.latents = {.height = size.height, .width = size.width};
  } else {
    UPSCALER_ASSIGN_OR_RETURN(const Image image, PictureOf(std::move(output)));
    UPSCALER_ASSIGN_OR_RETURN(
        picture.encoded,
        EncodeImage(Crop(image, picture.size.width, picture.size.height), task_.output));
  }
  picture.crc32 = Crc32(picture.encoded);
  return picture;
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
