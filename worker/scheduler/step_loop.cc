#include "worker/scheduler/step_loop.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "common/error_details.h"
#include "worker/scheduler/picture_memory.h"

namespace upscaler {
namespace {

// Rows that a replica has begun and passes over keep their latents on the device. They
// are small, but not nothing: so many full batches of them at most.
constexpr std::size_t kBegunBatches = 4;

// A row that was in several engines as they broke is not tried again.
constexpr int kMostRestarts = 1;

// When to try again after a device failed: another one may be there by then.
constexpr std::chrono::seconds kRetryPause{1};

bool IsBroken(const absl::Status& status) { return absl::IsUnavailable(status); }

// A row that ended without a result, told to the observer.
void ObserveLoss(Observer& observer, const RowCourse& course) {
  if (course.steps_done > 0) observer.OnWastedSteps(course.steps_done);
}

double ShareOf(int done, int of) { return static_cast<double>(done) / of; }

}  // namespace

StepLoop::StepLoop(const SchedulerParts& parts, Options options, std::unique_ptr<Engine> engine,
                   EngineCaller caller, Decoder decoder, Pulses& pulses)
    : parts_(parts),
      options_(std::move(options)),
      engine_(std::move(engine)),
      call_(std::move(caller)),
      decoder_(std::move(decoder)),
      pulses_(pulses) {}

StepLoop::~StepLoop() {
  for (Begun& begun : std::exchange(begun_, {})) {
    Leave(std::move(begun), absl::UnavailableError("the replica has ended"));
  }
}

StepLoop::Outcome StepLoop::Run() {
  DropDeparted();
  if (!EncodePart()) return Outcome::kBroken;
  NextStep next = AwaitStep();
  if (next.empty() && begun_.empty()) return Outcome::kClosed;

  std::vector<BegunState*> batch;
  for (const std::size_t place : next.begun) batch.push_back(begun_[place].get());
  for (std::size_t i = 0; i < next.joining.size(); ++i) {
    const std::size_t before = begun_.size();
    if (!Admit(std::move(next.joining[i]))) {
      for (Row& row : std::span(next.joining).subspan(i + 1)) Restart(std::move(row), {});
      return Outcome::kBroken;
    }
    const bool ready = begun_.size() > before && begun_.back()->encodings_left == 0;
    if (ready) batch.push_back(begun_.back().get());
  }
  if (batch.empty()) return Outcome::kStepped;
  return Step(batch) ? Outcome::kStepped : Outcome::kBroken;
}

void StepLoop::GiveBack() {
  for (Begun& begun : std::exchange(begun_, {})) {
    engine_->Drop(begun->row.id);
    ++begun->row.restarts;
    Restart(std::move(begun->row), begun->course);
  }
}

void StepLoop::DropDeparted() {
  const TimePoint now = parts_.clock.Now();
  for (Begun& begun : begun_) {
    if (std::optional<absl::Status> status = DepartureOf(begun->row, now)) {
      Leave(std::move(begun), *std::move(status));
    }
  }
  std::erase(begun_, nullptr);
}

NextStep StepLoop::AwaitStep() {
  std::vector<BegunRow> begun;
  begun.reserve(begun_.size());
  for (const Begun& state : begun_) {
    begun.push_back({&state->row, state->course, /*encoding=*/state->encodings_left > 0});
  }
  const BatchRule rule = {.batching = options_.batching, .max_rows = parts_.costs.BatchCaps()};
  return parts_.queue.AwaitStep(begun, kBegunBatches * parts_.costs.max_batch(), rule);
}

bool StepLoop::Admit(Row row) {
  const BatchKey key = BatchKeyOf(row.spec);
  auto begun = std::make_unique<BegunState>(BegunState{.row = std::move(row)});
  TimePoint start;
  std::optional<absl::Status> departure;
  absl::StatusOr<Intake> intake;
  call_([&] {
    start = parts_.clock.Now();
    // What was done before it may have taken a while.
    departure = DepartureOf(begun->row, start);
    if (departure.has_value()) return;
    begun->row.progress({.encoding = true});
    const Pulse::Work work(pulses_.steps, parts_.costs.EncodeTime(key));
    intake = engine_->Admit(begun->row.id, begun->row.spec);
  });
  if (departure.has_value()) {
    Leave(std::move(begun), *std::move(departure));
    return true;
  }
  if (IsBroken(intake.status())) {
    ++begun->row.restarts;
    Restart(std::move(begun->row), {});
    return false;
  }
  if (absl::IsResourceExhausted(intake.status())) {
    parts_.observer.OnOutOfMemory(options_.device);
    Leave(std::move(begun), OutOfMemory(key));
    return true;
  }
  if (!intake.ok()) {
    Leave(std::move(begun), intake.status());
    return true;
  }
  begun->encode_start = start;
  begun->timings.queue = start - begun->row.queued_at;
  begun->warnings = std::move(intake->warnings);
  begun->course.tiles = intake->tiles;
  begun->encodings = begun->encodings_left = intake->encodings_left;
  begun->vae_encode = intake->vae_encode;
  parts_.observer.OnQueueWait(begun->timings.queue);
  parts_.observer.OnStage(Stage::kText, intake->text);
  begun->row.trace.OnPart(WorkPart::kQueue, begun->row.queued_at, start);
  begun->row.trace.OnPart(WorkPart::kText, start, start + intake->text);
  begun->text_end = start + intake->text;
  if (begun->encodings_left == 0) EndEncoding(*begun);
  // Of a picture done in tiles that is what each part of its encoding takes.
  if (begun->course.tiles == 1 && begun->row.spec.picture != nullptr) {
    parts_.costs.NoteEncode(key, begun->timings.encode);
  }
  parts_.observer.OnTextCache(intake->text_cache_hits, intake->text_cache_misses);
  begun_.push_back(std::move(begun));
  return true;
}

bool StepLoop::EncodePart() {
  const auto found =
      std::ranges::find_if(begun_, [](const Begun& begun) { return begun->encodings_left > 0; });
  if (found == begun_.end()) return true;
  BegunState& begun = **found;
  const BatchKey key = BatchKeyOf(begun.row.spec);
  TimePoint::duration took{};
  absl::StatusOr<int> left;
  call_([&] {
    const Pulse::Work work(pulses_.steps, parts_.costs.EncodeTime(key));
    const TimePoint start = parts_.clock.Now();
    left = engine_->Encode(begun.row.id);
    took = parts_.clock.Now() - start;
  });
  if (IsBroken(left.status())) return false;
  if (!left.ok()) {
    const bool out_of_memory = absl::IsResourceExhausted(left.status());
    if (out_of_memory) parts_.observer.OnOutOfMemory(options_.device);
    Leave(Take(&begun), out_of_memory ? OutOfMemory(key) : left.status());
    return true;
  }
  parts_.costs.NoteEncode(key, took);
  begun.vae_encode += took;
  begun.encodings_left = *left;
  if (begun.encodings_left > 0) {
    const int done = begun.encodings - begun.encodings_left;
    begun.row.progress({.encoding = true, .share = ShareOf(done, begun.encodings)});
  } else {
    EndEncoding(begun);
    begun.row.progress({});
  }
  DropDeparted();  // It took a while.
  return true;
}

void StepLoop::EndEncoding(BegunState& begun) {
  begun.denoise_start = parts_.clock.Now();
  begun.timings.encode = *begun.denoise_start - begun.encode_start;
  if (begun.row.spec.picture == nullptr) return;
  parts_.observer.OnStage(Stage::kVaeEncode, begun.vae_encode);
  begun.row.trace.OnPart(WorkPart::kVaeEncode, begun.text_end, *begun.denoise_start);
}

bool StepLoop::Step(std::span<BegunState* const> batch) {
  std::vector<RowId> ids;
  ids.reserve(batch.size());
  for (const BegunState* begun : batch) ids.push_back(begun->row.id);
  std::vector<absl::Status> statuses;
  statuses.reserve(batch.size());
  if (!StepApart(BatchKeyOf(batch.front()->row.spec), ids, statuses)) return false;

  for (std::size_t i = 0; i < batch.size();) {
    std::size_t end = i + 1;
    while (end < batch.size() && batch[end] == batch[i]) ++end;
    absl::Status& last = statuses[end - 1];  // What is wrong with one tile is with all after it.
    if (last.ok()) {
      Advance(*batch[i], static_cast<int>(end - i));
    } else {
      Leave(Take(batch[i]), std::move(last));
    }
    i = end;
  }
  return true;
}

void StepLoop::Trace(const BatchKey& key, std::span<const RowId> rows, TimePoint start,
                     TimePoint end) const {
  std::optional<std::string> name;
  for (const Begun& begun : begun_) {
    const RowTrace& trace = begun->row.trace;
    if (!trace.followed() || std::ranges::find(rows, begun->row.id) == rows.end()) continue;
    if (!name.has_value()) {
      name = trace.NameStep({.start = start,
                             .end = end,
                             .rows = rows.size(),
                             .width = key.width,
                             .height = key.height,
                             .device = options_.device});
    }
    trace.OnStep(*name);
  }
}

void StepLoop::Advance(BegunState& begun, int passes) {
  RowCourse& course = begun.course;
  const TimePoint::duration left = WorkLeft(begun.row, course);
  course.Advance(passes);
  parts_.queue.Serve(left - WorkLeft(begun.row, course), begun.row.work_is_guess);
  begun.row.progress(
      {.steps_done = course.steps_done, .share = ShareOf(course.tiles_done, course.tiles)});
  if (course.tiles_done > 0) return;
  ShowPreview(begun);
  if (course.steps_done == begun.row.spec.steps) Finish(Take(&begun));
}

void StepLoop::ShowPreview(BegunState& begun) {
  const int steps_done = begun.course.steps_done;
  if (!WantsPreview(begun.row.spec, steps_done)) return;
  // Where it fails nothing is lost but the look; if the engine broke, the next step says so.
  absl::StatusOr<Image> preview;
  call_([&] { preview = engine_->Preview(begun.row.id); });
  if (preview.ok()) begun.row.preview(steps_done, *std::move(preview));
}

bool StepLoop::StepApart(const BatchKey& key, std::span<const RowId> rows,
                         std::vector<absl::Status>& statuses) {
  TimePoint start;
  TimePoint end;
  absl::StatusOr<std::vector<absl::Status>> result;
  call_([&] {
    const Pulse::Work work(pulses_.steps, parts_.costs.StepTime(key, rows.size()));
    start = parts_.clock.Now();
    result = engine_->Step(rows);
    end = parts_.clock.Now();
  });
  if (result.ok()) {
    assert(result->size() == rows.size());
    parts_.costs.NoteStep(key, rows.size(), end - start);
    parts_.observer.OnStep(rows.size(), end - start);
    Trace(key, rows, start, end);
    statuses.insert(statuses.end(), result->begin(), result->end());
    return true;
  }
  if (IsBroken(result.status())) return false;
  const bool out_of_memory = absl::IsResourceExhausted(result.status());
  if (out_of_memory) parts_.observer.OnOutOfMemory(options_.device);
  if (rows.size() == 1) {
    statuses.push_back(out_of_memory ? OutOfMemory(key) : result.status());
    return true;
  }
  const std::size_t half = rows.size() / 2;
  if (out_of_memory) parts_.costs.NoteMemoryLimit(key, half);
  if (!StepApart(key, rows.first(half), statuses)) return false;
  // A row that has failed takes no more of its tiles.
  std::span<const RowId> rest = rows.subspan(half);
  while (!rest.empty() && rest.front() == rows[half - 1] && !statuses.back().ok()) {
    statuses.push_back(absl::Status(statuses.back()));
    rest = rest.subspan(1);
  }
  return rest.empty() || StepApart(key, rest, statuses);
}

absl::Status StepLoop::OutOfMemory(const BatchKey& key) const {
  return TooLargeForMemory(key, engine_->RowBytes(key), engine_->FreeBytes(), engine_->sides());
}

StepLoop::Begun StepLoop::Take(const BegunState* begun) {
  const auto found =
      std::ranges::find_if(begun_, [&](const Begun& one) { return one.get() == begun; });
  assert(found != begun_.end());
  Begun taken = std::move(*found);
  begun_.erase(found);
  return taken;
}

void StepLoop::Finish(Begun begun) {
  const TimePoint end = parts_.clock.Now();
  begun->timings.denoise = end - *begun->denoise_start;
  parts_.observer.OnStage(Stage::kDenoise, begun->timings.denoise);
  begun->row.trace.OnPart(WorkPart::kSteps, *begun->denoise_start, end);
  parts_.queue.End(begun->row, TimePoint::duration::zero());
  Engine::Decoding decoding = engine_->Finish(begun->row.id);
  DecodingPlace place = {
      .parts = parts_, .pulse = pulses_.decoding, .decoder = decoder_, .sides = engine_->sides()};
  FinishedRow finished = {.row = std::move(begun->row),
                          .warnings = std::move(begun->warnings),
                          .timings = begun->timings};
  decoder_([place = std::move(place), finished = std::move(finished),
            decoding = std::move(decoding)]() mutable {
    Decode(place, std::move(finished), std::move(decoding));
  });
}

void StepLoop::Restart(Row row, const RowCourse& course) {
  const TimePoint::duration left = WorkLeft(row, course);
  ObserveLoss(parts_.observer, course);
  if (row.restarts > kMostRestarts) {
    parts_.queue.End(row, left);
    std::move(row.reply).Send(
        WithRetryAfter(absl::UnavailableError("the device failed, and failed again"), kRetryPause));
    return;
  }
  parts_.queue.Return(std::move(row), left);
}

void StepLoop::Leave(Begun begun, absl::Status status) {
  if (begun->denoise_start.has_value()) {
    begun->row.trace.OnPart(WorkPart::kSteps, *begun->denoise_start, parts_.clock.Now());
  }
  engine_->Drop(begun->row.id);
  parts_.queue.End(begun->row, WorkLeft(begun->row, begun->course));
  ObserveLoss(parts_.observer, begun->course);
  std::move(begun->row.reply).Send(std::move(status));
}

}  // namespace upscaler
