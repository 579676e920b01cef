#include "worker/scheduler/replica.h"

#include <cassert>
#include <optional>
#include <utility>

#include <absl/status/status.h>

namespace upscaler {
Replica::Replica(RowQueue& queue, std::unique_ptr<Engine> engine, std::size_t max_batch,
                 const Clock& clock, Observer& observer)
    : queue_(queue),
      engine_(std::move(engine)),
      max_batch_(max_batch),
      clock_(clock),
      observer_(observer),
      thread_(&Replica::Run, this) {}

void Replica::Run() {
  while (true) {
    if (running_.empty()) {
      std::vector<Row> batch = queue_.AwaitBatch(max_batch_);
      if (batch.empty()) return;
      Admit(std::move(batch));
    } else if (running_.size() < max_batch_) {
      const RowSpec& oldest = running_.front().row.spec;
      Admit(queue_.TakeJoining(BatchKeyOf(oldest), oldest.prompt, max_batch_ - running_.size()));
    }
    DropDeparted();
    Step();
    Finish();
  }
}

void Replica::Admit(std::vector<Row> rows) {
  for (Row& row : rows) {
    const TimePoint start = clock_.Now();
    RunningRow running{.row = std::move(row), .warnings = {}, .timings = {}, .denoise_start = {}};
    running.timings.queue = start - running.row.queued_at;
    observer_.OnQueueWait(running.timings.queue);
    // Those before it may have taken a while to let in.
    if (std::optional<absl::Status> status = DepartureOf(running.row, start)) {
      Leave(std::move(running), *std::move(status));
      continue;
    }
    running.row.progress(0);
    absl::StatusOr<std::vector<std::string>> warnings =
        engine_->Admit(running.row.id, running.row.spec);
    if (!warnings.ok()) {
      Leave(std::move(running), warnings.status());
      continue;
    }
    running.warnings = *std::move(warnings);
    running.denoise_start = clock_.Now();
    running.timings.encode = running.denoise_start - start;
    observer_.OnStage(Stage::kModelEncode, running.timings.encode);
    running_.push_back(std::move(running));
  }
}

void Replica::DropDeparted() {
  const TimePoint now = clock_.Now();
  std::vector<RunningRow> staying;
  for (RunningRow& running : running_) {
    if (std::optional<absl::Status> status = DepartureOf(running.row, now)) {
      Leave(std::move(running), *std::move(status));
    } else {
      staying.push_back(std::move(running));
    }
  }
  running_ = std::move(staying);
}

void Replica::Step() {
  if (running_.empty()) return;
  std::vector<RowId> ids;
  ids.reserve(running_.size());
  for (const RunningRow& running : running_) ids.push_back(running.row.id);

  const TimePoint start = clock_.Now();
  std::vector<absl::Status> statuses = engine_->Step(ids);
  assert(statuses.size() == ids.size());
  observer_.OnStep(ids.size(), clock_.Now() - start);

  std::vector<RunningRow> staying;
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    if (!statuses[i].ok()) {
      Leave(std::move(running_[i]), std::move(statuses[i]));
      continue;
    }
    ++running_[i].steps_done;
    running_[i].row.progress(running_[i].steps_done);
    staying.push_back(std::move(running_[i]));
  }
  running_ = std::move(staying);
}

void Replica::Finish() {
  std::vector<RunningRow> staying;
  for (RunningRow& running : running_) {
    if (running.steps_done < running.row.spec.steps) {
      staying.push_back(std::move(running));
      continue;
    }
    const TimePoint start = clock_.Now();
    // Decoding costs as much as several steps; it is not done for nobody.
    if (std::optional<absl::Status> status = DepartureOf(running.row, start)) {
      Leave(std::move(running), *std::move(status));
      continue;
    }
    running.timings.denoise = start - running.denoise_start;
    observer_.OnStage(Stage::kDenoise, running.timings.denoise);
    absl::StatusOr<Image> image = engine_->Finish(running.row.id);
    running.timings.decode = clock_.Now() - start;
    observer_.OnStage(Stage::kModelDecode, running.timings.decode);
    if (!image.ok()) {
      Leave(std::move(running), image.status());
      continue;
    }
    RowResult result{.image = *std::move(image),
                     .warnings = std::move(running.warnings),
                     .timings = running.timings};
    Leave(std::move(running), std::move(result));
  }
  running_ = std::move(staying);
}

void Replica::Leave(RunningRow running, absl::StatusOr<RowResult> result) {
  engine_->Drop(running.row.id);
  std::move(running.row.reply).Send(std::move(result));
}

}  // namespace upscaler
