#include "server/jobs/job.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"
#include "server/jobs/job_error.h"

namespace upscaler {
namespace {

Job::Origin OriginOf(const store::v1::JobRecord& record) {
  return {.id = record.job().job_id(),
          .caller = record.caller(),
          .request_id = record.job().request_id(),
          .digest = record.digest(),
          .create_time = FromProto(record.job().create_time())};
}

store::v1::JobRecord MakeRecord(const Job::Origin& origin, v1::UpscaleJob facts,
                                const std::vector<JobEvent>& events) {
  store::v1::JobRecord record;
  record.set_caller(origin.caller);
  record.set_digest(origin.digest);
  *record.mutable_job() = std::move(facts);
  for (const JobEvent& event : events) *record.add_events() = *event;
  return record;
}

}  // namespace

Job::Job(Origin origin, v1::UpscaleSpec effective_spec, ThreadPool* notifier)
    : origin_(std::move(origin)), watchers_(std::make_shared<JobWatchers>(notifier)) {
  facts_.set_job_id(origin_.id);
  facts_.set_request_id(origin_.request_id);
  facts_.set_state(v1::UPSCALE_JOB_STATE_QUEUED);
  *facts_.mutable_effective_spec() = std::move(effective_spec);
  *facts_.mutable_create_time() = ToProto(origin_.create_time);
}

Job::Job(const store::v1::JobRecord& record, ThreadPool* notifier)
    : origin_(OriginOf(record)),
      watchers_(std::make_shared<JobWatchers>(notifier)),
      facts_(record.job()),
      admission_(absl::OkStatus()) {
  for (const auto& event : record.events()) {
    events_.push_back(std::make_shared<v1::WatchUpscaleJobResponse>(event));
  }
}

void Job::Admit() {
  {
    MutexLock lock(mutex_);
    if (!admission_.has_value()) admission_ = absl::OkStatus();
  }
  watchers_->Notify();
}

void Job::Refuse(absl::Status error) {
  {
    MutexLock lock(mutex_);
    if (!admission_.has_value()) admission_ = std::move(error);
    forgotten_ = true;
    cancel_ = nullptr;
  }
  watchers_->Notify();
}

void Job::SetCancel(std::function<void()> cancel) {
  {
    MutexLock lock(mutex_);
    if (work_over_) return;
    // Asked before `over`: one that was deleted may still be running.
    if (!cancel_requested_) {
      if (!over()) cancel_ = std::move(cancel);
      return;
    }
  }
  cancel();
}

void Job::DropCancel() {
  std::function<void()> dropped;  // What it holds goes without the lock.
  MutexLock lock(mutex_);
  work_over_ = true;
  dropped = std::exchange(cancel_, nullptr);
}

void Job::AddEvent(v1::UpscaleStreamResponse event) {
  {
    MutexLock lock(mutex_);
    if (over()) return;
    Note(event);
    Append(std::move(event), facts_, events_);
  }
  watchers_->Notify();
}

void Job::Note(const v1::UpscaleStreamResponse& event) {
  if (event.has_accepted()) {
    *facts_.mutable_effective_spec() = event.accepted().effective_spec();
    *facts_.mutable_input_size() = event.accepted().input_size();
    *facts_.mutable_output_size() = event.accepted().output_size();
  }
  if (event.has_progress()) {
    facts_.set_state(v1::UPSCALE_JOB_STATE_RUNNING);
    facts_.set_fraction(std::max(facts_.fraction(), event.progress().fraction()));
  }
}

void Job::End(const JobEnd& end, std::vector<std::string> pictures) {
  {
    MutexLock lock(mutex_);
    if (over()) return;
    Conclude(end, facts_, events_);
    for (std::string& picture : pictures) {
      pictures_.push_back(std::make_shared<const std::string>(std::move(picture)));
    }
    cancel_ = nullptr;
  }
  watchers_->Notify();
}

void Job::Forget() {
  {
    MutexLock lock(mutex_);
    forgotten_ = true;
    pictures_.clear();
  }
  watchers_->Notify();
}

void Job::RequestCancel() {
  std::function<void()> cancel;
  {
    MutexLock lock(mutex_);
    if (IsEnd(facts_.state())) return;
    cancel_requested_ = true;
    cancel = std::exchange(cancel_, nullptr);
  }
  if (cancel != nullptr) cancel();
}

absl::Status Job::Watch(std::weak_ptr<JobWatcher> watcher) {
  return watchers_->Add(std::move(watcher));
}

Job::Next Job::After(std::uint64_t sequence) const {
  MutexLock lock(mutex_);
  if (forgotten_) return {.end = JobGone()};
  if (sequence < events_.size()) return {.event = events_[static_cast<std::size_t>(sequence)]};
  // Whatever the sequence: of a job that was interrupted, clients may have seen events that
  // were not written down any more.
  if (facts_.has_error()) return {.end = FromJobError(facts_.error())};
  if (sequence > events_.size()) {
    return {.end = InvalidField(
                "after_sequence",
                fmt::format("{} given; the job's newest event is {}", sequence, events_.size()))};
  }
  if (IsEnd(facts_.state())) return {.end = absl::OkStatus()};
  return {};
}

v1::UpscaleJob Job::Describe() const {
  MutexLock lock(mutex_);
  return facts_;
}

v1::UpscaleJobState Job::state() const {
  MutexLock lock(mutex_);
  return facts_.state();
}

std::optional<absl::Status> Job::admission() const {
  MutexLock lock(mutex_);
  return admission_;
}

absl::StatusOr<v1::UpscaleStreamResponse::ImageHeader> Job::PictureAt(std::size_t index) const {
  MutexLock lock(mutex_);
  if (forgotten_) return JobGone();
  if (!IsEnd(facts_.state())) {
    return WithReason(absl::FailedPreconditionError("the job is not finished"), "JOB_NOT_FINISHED");
  }
  if (facts_.has_error()) return FromJobError(facts_.error());
  if (index >= static_cast<std::size_t>(facts_.images_size())) {
    return WithField(absl::OutOfRangeError(fmt::format("image_index: {} given; the job has {}",
                                                       index, facts_.images_size())),
                     "image_index");
  }
  return facts_.images(static_cast<int>(index));
}

std::shared_ptr<const std::string> Job::BytesAt(std::size_t index) const {
  MutexLock lock(mutex_);
  return index < pictures_.size() ? pictures_[index] : nullptr;
}

store::v1::JobRecord Job::Record() const {
  MutexLock lock(mutex_);
  return MakeRecord(origin_, facts_, events_);
}

store::v1::JobRecord Job::RecordAfter(const JobEnd& end) const {
  v1::UpscaleJob facts;
  std::vector<JobEvent> events;
  {
    MutexLock lock(mutex_);
    facts = facts_;
    events = events_;
  }
  Conclude(end, facts, events);
  return MakeRecord(origin_, std::move(facts), events);
}

bool Job::cancel_requested() const {
  MutexLock lock(mutex_);
  return cancel_requested_;
}

std::int64_t Job::event_bytes() const {
  MutexLock lock(mutex_);
  std::int64_t bytes = 0;
  for (const JobEvent& event : events_) bytes += static_cast<std::int64_t>(event->SpaceUsedLong());
  return bytes;
}

}  // namespace upscaler
