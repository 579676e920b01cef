#include "worker/scheduler/step_loop.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <optional>
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
void ObserveLoss(Observer& observer, int steps_done) {
  if (steps_done > 0) observer.OnWastedSteps(steps_done);
}

}  // namespace

StepLoop::StepLoop(const SchedulerParts& parts, Options options, std::unique_ptr<Engine> engine,
                   Decoder decoder, Pulses& pulses)
    : parts_(parts),
      options_(std::move(options)),
      engine_(std::move(engine)),
      decoder_(std::move(decoder)),
      pulses_(pulses) {}

StepLoop::~StepLoop() {
  for (Begun& begun : std::exchange(begun_, {})) {
    Leave(std::move(begun), absl::UnavailableError("the replica has ended"));
  }
}

StepLoop::Outcome StepLoop::Run() {
  DropDeparted();
  NextStep next = AwaitStep();
  if (next.empty()) return Outcome::kClosed;

  std::vector<BegunState*> batch;
  for (const std::size_t place : next.begun) batch.push_back(begun_[place].get());
  for (std::size_t i = 0; i < next.joining.size(); ++i) {
    const std::size_t before = begun_.size();
    if (!Admit(std::move(next.joining[i]))) {
      for (Row& row : std::span(next.joining).subspan(i + 1)) Restart(std::move(row), 0);
      return Outcome::kBroken;
    }
    if (begun_.size() > before) batch.push_back(begun_.back().get());
  }
  if (batch.empty()) return Outcome::kStepped;
  return Step(batch) ? Outcome::kStepped : Outcome::kBroken;
}

void StepLoop::GiveBack() {
  for (Begun& begun : std::exchange(begun_, {})) {
    engine_->Drop(begun->row.id);
    ++begun->row.restarts;
    Restart(std::move(begun->row), begun->steps_done);
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
  for (const Begun& state : begun_) begun.push_back({&state->row, state->steps_done});
  const BatchRule rule = {.batching = options_.batching, .max_rows = parts_.costs.BatchCaps()};
  return parts_.queue.AwaitStep(begun, kBegunBatches * parts_.costs.max_batch(), rule);
}

bool StepLoop::Admit(Row row) {
  const BatchKey key = BatchKeyOf(row.spec);
  const TimePoint start = parts_.clock.Now();
  auto begun = std::make_unique<BegunState>(BegunState{.row = std::move(row)});
  begun->timings.queue = start - begun->row.queued_at;
  // Those before it may have taken a while to let in.
  if (std::optional<absl::Status> status = DepartureOf(begun->row, start)) {
    Leave(std::move(begun), *std::move(status));
    return true;
  }
  begun->row.progress(0);
  absl::StatusOr<Intake> intake;
  {
    const Pulse::Work work(pulses_.steps, parts_.costs.EncodeTime(key));
    intake = engine_->Admit(begun->row.id, begun->row.spec);
  }
  if (IsBroken(intake.status())) {
    ++begun->row.restarts;
    Restart(std::move(begun->row), 0);
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
  begun->warnings = std::move(intake->warnings);
  begun->denoise_start = parts_.clock.Now();
  begun->timings.encode = begun->denoise_start - start;
  parts_.observer.OnQueueWait(begun->timings.queue);
  parts_.observer.OnStage(Stage::kText, intake->text);
  if (begun->row.spec.picture != nullptr) {
    parts_.costs.NoteEncode(key, begun->timings.encode);
    parts_.observer.OnStage(Stage::kVaeEncode, intake->vae_encode);
  }
  parts_.observer.OnTextCache(intake->text_cache_hits, intake->text_cache_misses);
  begun_.push_back(std::move(begun));
  return true;
}

bool StepLoop::Step(std::span<BegunState* const> batch) {
  std::vector<RowId> ids;
  ids.reserve(batch.size());
  for (const BegunState* begun : batch) ids.push_back(begun->row.id);
  std::vector<absl::Status> statuses;
  statuses.reserve(batch.size());
  if (!StepApart(BatchKeyOf(batch.front()->row.spec), ids, statuses)) return false;

  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!statuses[i].ok()) {
      Leave(Take(batch[i]), std::move(statuses[i]));
      continue;
    }
    BegunState& begun = *batch[i];
    const TimePoint::duration left = WorkLeft(begun.row, begun.steps_done);
    ++begun.steps_done;
    parts_.queue.Serve(left - WorkLeft(begun.row, begun.steps_done), begun.row.work_is_guess);
    begun.row.progress(begun.steps_done);
    ShowPreview(begun);
    if (begun.steps_done == begun.row.spec.steps) Finish(Take(&begun));
  }
  return true;
}

void StepLoop::ShowPreview(BegunState& begun) {
  if (!WantsPreview(begun.row.spec, begun.steps_done)) return;
  // Where it fails nothing is lost but the look; if the engine broke, the next step says so.
  if (absl::StatusOr<Image> preview = engine_->Preview(begun.row.id); preview.ok()) {
    begun.row.preview(begun.steps_done, *std::move(preview));
  }
}

bool StepLoop::StepApart(const BatchKey& key, std::span<const RowId> rows,
                         std::vector<absl::Status>& statuses) {
  const TimePoint start = parts_.clock.Now();
  absl::StatusOr<std::vector<absl::Status>> result;
  {
    const Pulse::Work work(pulses_.steps, parts_.costs.StepTime(key, rows.size()));
    result = engine_->Step(rows);
  }
  if (result.ok()) {
    assert(result->size() == rows.size());
    const TimePoint::duration took = parts_.clock.Now() - start;
    parts_.costs.NoteStep(key, rows.size(), took);
    parts_.observer.OnStep(rows.size(), took);
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
  return StepApart(key, rows.first(half), statuses) && StepApart(key, rows.subspan(half), statuses);
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
  begun->timings.denoise = parts_.clock.Now() - begun->denoise_start;
  parts_.observer.OnStage(Stage::kDenoise, begun->timings.denoise);
  parts_.queue.End(begun->row, TimePoint::duration::zero());
  Engine::Decoding decoding = engine_->Finish(begun->row.id);
  decoder_([&parts = parts_, &pulse = pulses_.decoding, sides = engine_->sides(),
            begun = std::move(begun), decoding = std::move(decoding)]() mutable {
    Decode(parts, pulse, sides, *begun, std::move(decoding));
  });
}

void StepLoop::Decode(const SchedulerParts& parts, Pulse& pulse, const SideRule& sides,
                      BegunState& begun, Engine::Decoding decoding) {
  const BatchKey key = BatchKeyOf(begun.row.spec);
  const TimePoint start = parts.clock.Now();
  absl::StatusOr<RowOutput> output;
  // Decoding costs as much as several steps; it is not done for nobody.
  if (std::optional<absl::Status> departure = DepartureOf(begun.row, start)) {
    output = *std::move(departure);
  } else {
    const Pulse::Work work(pulse, parts.costs.DecodeTime(key));
    output = std::move(decoding)();
  }
  if (!output.ok()) {
    ObserveLoss(parts.observer, begun.steps_done);
    std::move(begun.row.reply)
        .Send(absl::IsResourceExhausted(output.status()) ? TooLargeForMemory(key, 1, 1, sides)
                                                         : output.status());
    return;
  }
  begun.timings.decode = parts.clock.Now() - start;
  if (!begun.row.spec.latents_wanted) {
    parts.observer.OnStage(Stage::kVaeDecode, begun.timings.decode);
    parts.costs.NoteDecode(key, begun.timings.decode);
  }
  std::move(begun.row.reply)
      .Send(RowResult{.output = *std::move(output),
                      .warnings = std::move(begun.warnings),
                      .timings = begun.timings});
}

void StepLoop::Restart(Row row, int steps_done) {
  const TimePoint::duration left = WorkLeft(row, steps_done);
  ObserveLoss(parts_.observer, steps_done);
  if (row.restarts > kMostRestarts) {
    parts_.queue.End(row, left);
    std::move(row.reply).Send(
        WithRetryAfter(absl::UnavailableError("the device failed, and failed again"), kRetryPause));
    return;
  }
  parts_.queue.Return(std::move(row), left);
}

void StepLoop::Leave(Begun begun, absl::Status status) {
  engine_->Drop(begun->row.id);
  parts_.queue.End(begun->row, WorkLeft(begun->row, begun->steps_done));
  ObserveLoss(parts_.observer, begun->steps_done);
  std::move(begun->row.reply).Send(std::move(status));
}

}  // namespace upscaler
