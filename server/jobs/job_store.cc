#include "server/jobs/job_store.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "server/jobs/job_error.h"
#include "server/jobs/job_folder.h"
#include "server/jobs/job_pages.h"

namespace upscaler {
namespace {

// How soon another job may have ended.
constexpr std::chrono::seconds kRetryPause{1};

std::int64_t BytesOf(const std::vector<std::string>& pictures) {
  std::int64_t bytes = 0;
  for (const std::string& picture : pictures) bytes += static_cast<std::int64_t>(picture.size());
  return bytes;
}

}  // namespace

JobStore::JobStore(Options options) : options_(std::move(options)), table_(options_.limits) {}

absl::StatusOr<std::unique_ptr<JobStore>> JobStore::Open(Options options) {
  const std::filesystem::path path = options.folder;
  // Not make_unique: the constructor is private.
  std::unique_ptr<JobStore> store(new JobStore(std::move(options)));
  if (path.empty()) return store;
  UPSCALER_ASSIGN_OR_RETURN(std::unique_ptr<JobFolder> folder, JobFolder::Open(path));
  store->disk_ = std::make_unique<JobDisk>(std::move(folder));
  store->Load();
  return store;
}

void JobStore::Load() {
  std::vector<std::pair<SystemTime, std::shared_ptr<Job>>> jobs;
  for (const store::v1::JobRecord& record : disk_->folder().Load(options_.report)) {
    std::shared_ptr<Job> job = Revive(record);
    const SystemTime end_time = FromProto(job->Describe().end_time());
    jobs.emplace_back(end_time, std::move(job));
  }
  // Those that ended first are the first to go.
  std::sort(jobs.begin(), jobs.end(),
            [](const auto& left, const auto& right) { return left.first < right.first; });
  for (const auto& [end_time, job] : jobs) Enter(job);
  std::vector<std::shared_ptr<Job>> beyond;
  {
    MutexLock lock(mutex_);
    beyond = table_.TakeBeyond(options_.limits.jobs);
  }
  Discard(beyond);
}

std::shared_ptr<Job> JobStore::Revive(const store::v1::JobRecord& record) {
  auto job = std::make_shared<Job>(record, &notifier_);
  if (!IsEnd(record.job().state())) {
    // Where this cannot be written, it is interrupted again at the next start.
    const JobEnd end = Write(job, EndOf(*job, JobInterrupted()), /*pictures=*/{});
    job->End(end, /*pictures=*/{});
    options_.on_end(job->origin(), end);
  }
  return job;
}

void JobStore::Enter(const std::shared_ptr<Job>& job) {
  const v1::UpscaleJob facts = job->Describe();
  std::int64_t bytes = job->event_bytes();
  for (const auto& image : facts.images()) bytes += static_cast<std::int64_t>(image.total_bytes());
  {
    MutexLock lock(mutex_);
    if (table_.Add(job)) {
      table_.Charge(*job, bytes);
      table_.MarkEnded(*job, FromProto(facts.expire_time()));
      if (facts.state() == v1::UPSCALE_JOB_STATE_INTERRUPTED) table_.FreeRequestId(*job);
      return;
    }
  }
  // It stays on the disk, as what cannot be read does: no store makes two such jobs, so a
  // person has put one of them there.
  options_.report(
      fmt::format("the job {} is left out: another was created at the same time", facts.job_id()));
}

absl::StatusOr<JobStore::Created> JobStore::Create(Request request) {
  std::shared_ptr<Job> job;
  std::vector<std::shared_ptr<Job>> beyond;
  {
    MutexLock lock(mutex_);
    if (!request.request_id.empty()) {
      if (auto known = table_.FindRequest(request.caller, request.request_id); known != nullptr) {
        if (known->origin().digest == request.digest) return Created{known, /*created=*/false};
        return WithReason(
            WithField(absl::AlreadyExistsError("request_id: it belongs to another picture or other "
                                               "settings; one request has one id"),
                      "request_id"),
            "REQUEST_ID_REUSED");
      }
    }
    beyond = table_.TakeBeyond(options_.limits.jobs - 1);
    if (table_.size() < options_.limits.jobs) {
      job = std::make_shared<Job>(Job::Origin{.id = options_.make_id(),
                                              .caller = std::move(request.caller),
                                              .request_id = std::move(request.request_id),
                                              .digest = std::move(request.digest),
                                              .create_time = table_.CreateTime(options_.now()),
                                              .call_request_id = std::move(request.call_request_id),
                                              .trace_id = std::move(request.trace_id)},
                                  std::move(request.effective_spec), &notifier_);
      table_.Add(job);
    }
  }
  Discard(beyond);
  if (job != nullptr) return Created{std::move(job), /*created=*/true};
  return WithRetryAfter(WithReason(absl::ResourceExhaustedError(fmt::format(
                                       "there are {} jobs that have not ended; no more are kept",
                                       options_.limits.jobs)),
                                   "JOBS_FULL"),
                        kRetryPause);
}

void JobStore::Admit(const std::shared_ptr<Job>& job) {
  if (disk_ == nullptr) {
    job->Admit();
    return;
  }
  disk_->OnWriter([this, job](const absl::Status& open) {
    if (!Contains(*job)) return;
    const absl::Status status = open.ok() ? disk_->folder().Write(job->Record(), {}) : open;
    if (status.ok()) {
      job->Admit();
      return;
    }
    job->RequestCancel();  // Before it forgets how.
    Refuse(job, status);
    if (!open.ok()) return;
    options_.report(std::string(status.message()));
    (void)disk_->folder().Remove(job->origin().id);
  });
}

void JobStore::Refuse(const std::shared_ptr<Job>& job, const absl::Status& error) {
  {
    MutexLock lock(mutex_);
    table_.Remove(*job);
  }
  job->Refuse(error);
}

JobEnd JobStore::EndOf(const Job& job, const absl::Status& status) const {
  JobEnd end{.state = v1::UPSCALE_JOB_STATE_SUCCEEDED, .error = status};
  end.end_time = options_.now();
  end.expire_time = end.end_time + options_.ttl;
  if (status.ok()) return end;
  end.state = v1::UPSCALE_JOB_STATE_FAILED;
  if (absl::IsCancelled(status) && job.cancel_requested()) {
    end.state = v1::UPSCALE_JOB_STATE_CANCELLED;
  } else if (absl::IsCancelled(status) || ReasonOf(status) == "DRAINING" ||
             ReasonOf(status) == ReasonOf(JobInterrupted())) {
    end.state = v1::UPSCALE_JOB_STATE_INTERRUPTED;
    end.error = JobInterrupted();
  }
  return end;
}

void JobStore::Finish(const std::shared_ptr<Job>& job, absl::StatusOr<JobResult> result) {
  job->DropCancel();  // Now: by the time the end is written, the worker may be gone.
  JobEnd end = EndOf(*job, result.status());
  std::vector<std::string> pictures;
  absl::AnyInvocable<void()&&> on_kept = [] {};
  if (result.ok()) {
    end.images = std::move(result->images);
    end.completed = std::move(result->completed);
    pictures = std::move(result->pictures);
    if (result->on_kept != nullptr) on_kept = std::move(result->on_kept);
  }
  const std::int64_t events = job->event_bytes();
  if (const std::int64_t bytes = events + BytesOf(pictures); bytes > options_.limits.bytes) {
    end = EndOf(*job, WithReason(absl::ResourceExhaustedError(fmt::format(
                                     "what came of the job takes {} bytes; at most {} are kept",
                                     bytes, options_.limits.bytes)),
                                 "RESULT_TOO_LARGE"));
    pictures.clear();
  }
  std::vector<std::shared_ptr<Job>> beyond;
  bool here = false;
  {
    MutexLock lock(mutex_);
    here = table_.Contains(*job);  // It may have been deleted.
    table_.Charge(*job, events + BytesOf(pictures));
    beyond = table_.TakeBeyond(options_.limits.jobs);
  }
  Discard(beyond);
  if (!here) pictures.clear();
  if (!here || disk_ == nullptr) {
    Settle(job, end, std::move(pictures));
    std::move(on_kept)();
    return;
  }
  disk_->OnWriter([this, job, end = std::move(end), pictures = std::move(pictures),
                   on_kept = std::move(on_kept)](const absl::Status& open) mutable {
    if (!open.ok()) {
      end = EndOf(*job, JobInterrupted());  // As the next start will find it.
    } else if (Contains(*job)) {
      end = Write(job, std::move(end), pictures);
    }
    Settle(job, end, {});
    pictures.clear();
    std::move(on_kept)();
  });
}

JobEnd JobStore::Write(const std::shared_ptr<Job>& job, JobEnd end,
                       const std::vector<std::string>& pictures) {
  absl::Status status = disk_->folder().Write(job->RecordAfter(end), pictures);
  if (status.ok()) return end;
  options_.report(std::string(status.message()));
  // An error is smaller than pictures: there may be room for it.
  if (!pictures.empty()) {
    end = EndOf(*job, status);
    (void)disk_->folder().Remove(job->origin().id);
    status = disk_->folder().Write(job->RecordAfter(end), {});
    if (!status.ok()) options_.report(std::string(status.message()));
  }
  return end;
}

void JobStore::Settle(const std::shared_ptr<Job>& job, const JobEnd& end,
                      std::vector<std::string> pictures) {
  std::vector<std::shared_ptr<Job>> beyond;
  const std::int64_t events = job->event_bytes();
  {
    MutexLock lock(mutex_);
    table_.MarkEnded(*job, end.expire_time);
    if (!end.error.ok()) table_.Charge(*job, events);
    if (end.state == v1::UPSCALE_JOB_STATE_INTERRUPTED) table_.FreeRequestId(*job);
  }
  job->End(end, std::move(pictures));
  options_.on_end(job->origin(), end);
  {
    MutexLock lock(mutex_);
    beyond = table_.TakeBeyond(options_.limits.jobs);
  }
  Discard(beyond);
}

absl::StatusOr<std::shared_ptr<Job>> JobStore::Find(const std::string& caller,
                                                    const std::string& id) const {
  std::shared_ptr<Job> job;
  {
    MutexLock lock(mutex_);
    job = table_.Find(caller, id);
    if (job == nullptr && table_.IsRetired(caller, id)) return JobGone();
  }
  if (job == nullptr || !job->admission().has_value()) return JobNotFound();
  return job;
}

absl::StatusOr<v1::ListUpscaleJobsResponse> JobStore::List(
    const std::string& caller, const v1::ListUpscaleJobsRequest& request) const {
  UPSCALER_ASSIGN_OR_RETURN(const SystemTime begin, PageBegin(request));
  std::vector<std::shared_ptr<Job>> jobs;
  {
    MutexLock lock(mutex_);
    jobs = table_.NewestFirst(caller, begin);
  }
  return MakePage(jobs, request);
}

void JobStore::Delete(const std::string& caller, const std::string& id,
                      absl::AnyInvocable<void(absl::Status) &&> done) {
  absl::StatusOr<std::shared_ptr<Job>> job = Find(caller, id);
  if (!job.ok()) {
    std::move(done)(job.status());
    return;
  }
  {
    MutexLock lock(mutex_);
    table_.Retire(**job);
  }
  (*job)->Forget();
  (*job)->RequestCancel();
  if (disk_ == nullptr) {
    std::move(done)(absl::OkStatus());
    return;
  }
  disk_->OnWriter([this, id, done = std::move(done)](const absl::Status& open) mutable {
    std::move(done)(open.ok() ? disk_->folder().Remove(id) : open);
  });
}

void JobStore::Read(const std::shared_ptr<Job>& job, std::size_t index, std::uint64_t offset,
                    std::size_t bytes,
                    absl::AnyInvocable<void(absl::StatusOr<std::string>) &&> done) {
  if (disk_ != nullptr) {
    disk_->OnReader([this, job, index, offset, bytes,
                     done = std::move(done)](const absl::Status& open) mutable {
      std::move(done)(open.ok() ? disk_->folder().Read(job->origin().id, index, offset, bytes)
                                : open);
    });
    return;
  }
  const std::shared_ptr<const std::string> picture = job->BytesAt(index);
  if (picture == nullptr) {
    std::move(done)(JobGone());
  } else {
    std::move(done)(picture->substr(std::min<std::size_t>(offset, picture->size()), bytes));
  }
}

void JobStore::Sweep() {
  std::vector<std::shared_ptr<Job>> expired;
  const SystemTime now = options_.now();
  {
    MutexLock lock(mutex_);
    expired = table_.TakeExpired(now);
  }
  Discard(expired);
}

void JobStore::Flush() {
  if (disk_ != nullptr) disk_->Close();
  notifier_.Close();
}

JobStore::Kept JobStore::kept() const {
  MutexLock lock(mutex_);
  return {.jobs = table_.size(), .bytes = table_.bytes()};
}

bool JobStore::Contains(const Job& job) const {
  MutexLock lock(mutex_);
  return table_.Contains(job);
}

void JobStore::Discard(const std::vector<std::shared_ptr<Job>>& jobs) {
  for (const std::shared_ptr<Job>& job : jobs) {
    job->Forget();
    if (disk_ == nullptr) continue;
    disk_->OnWriter([this, id = job->origin().id](const absl::Status& open) {
      const absl::Status status = open.ok() ? disk_->folder().Remove(id) : open;
      if (!status.ok()) options_.report(std::string(status.message()));
    });
  }
}

}  // namespace upscaler
