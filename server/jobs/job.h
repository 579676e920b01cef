// One upscale that outlives the call that asked for it: its events from the first to the
// last, its end, and who wants to hear of them.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/mutex.h"
#include "common/thread_pool.h"
#include "proto/upscaler/store/v1/job_record.pb.h"
#include "proto/upscaler/v1/job.pb.h"
#include "server/jobs/job_end.h"
#include "server/jobs/job_watchers.h"
#include "server/jobs/system_time.h"

namespace upscaler {

// Thread-safe. Shared by the store, by the worker's listener and by the calls that look at
// it: it goes when none of them is left.
class Job {
 public:
  // What does not change.
  struct Origin {
    std::string id;
    std::string caller;      // A key's name; empty where keys are not asked for.
    std::string request_id;  // Empty if the client did not say.
    std::string digest;      // Of what was asked for; empty without request_id.
    SystemTime create_time;
    // What the call that created it has in the log; empty after a restart.
    std::string call_request_id = {};
    std::string trace_id = {};
  };

  // A job that begins. As JobWatchers: its watchers are told by `notifier`.
  Job(Origin origin, v1::UpscaleSpec effective_spec, ThreadPool* notifier = nullptr);
  // One that was written down.
  explicit Job(const store::v1::JobRecord& record, ThreadPool* notifier = nullptr);

  // Until the job is admitted or refused, nobody has been told of it. The first counts.
  void Admit() ABSL_LOCKS_EXCLUDED(mutex_);
  void Refuse(absl::Status error) ABSL_LOCKS_EXCLUDED(mutex_);

  // How to cancel the work. Called at once if somebody has asked for it, and dropped when
  // the work ends. Must not be called with a lock held that `cancel` takes.
  void SetCancel(std::function<void()> cancel) ABSL_LOCKS_EXCLUDED(mutex_);
  // There is nothing left to cancel, and may be nobody to do it: the job itself may end
  // later, when that is written down.
  void DropCancel() ABSL_LOCKS_EXCLUDED(mutex_);

  // Adds an event of the worker's, which gets the next number. Ignored after the end.
  void AddEvent(v1::UpscaleStreamResponse event) ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends the job. `pictures` are its pictures' bytes; empty where they are kept elsewhere.
  // The first end counts.
  void End(const JobEnd& end, std::vector<std::string> pictures) ABSL_LOCKS_EXCLUDED(mutex_);

  // Drops the pictures; whoever watches hears kNotFound from now on.
  void Forget() ABSL_LOCKS_EXCLUDED(mutex_);

  // Somebody wants it cancelled. One that has ended stays as it is.
  void RequestCancel() ABSL_LOCKS_EXCLUDED(mutex_);

  // As JobWatchers::Add.
  absl::Status Watch(std::weak_ptr<JobWatcher> watcher);

  // What comes after the event numbered `sequence`: an event, or the end, or neither yet.
  struct Next {
    JobEvent event = nullptr;
    // OK if it succeeded, else its error; kNotFound if it is gone; kInvalidArgument, naming
    // after_sequence, if there is no event of that number and the job has no error.
    std::optional<absl::Status> end = std::nullopt;
  };
  Next After(std::uint64_t sequence) const ABSL_LOCKS_EXCLUDED(mutex_);

  v1::UpscaleJob Describe() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Of what Describe says, this alone, which costs next to nothing.
  v1::UpscaleJobState state() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Empty until the job is admitted (OK) or refused.
  std::optional<absl::Status> admission() const ABSL_LOCKS_EXCLUDED(mutex_);

  // What the picture at `index` is. kFailedPrecondition, reason JOB_NOT_FINISHED, while
  // there is none; the job's error, if it ended with one; kOutOfRange for other indices;
  // kNotFound if the job is gone.
  absl::StatusOr<v1::UpscaleStreamResponse::ImageHeader> PictureAt(std::size_t index) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Its bytes; null where they are kept elsewhere, or not any more.
  std::shared_ptr<const std::string> BytesAt(std::size_t index) const ABSL_LOCKS_EXCLUDED(mutex_);

  // All about it, as it stands.
  store::v1::JobRecord Record() const ABSL_LOCKS_EXCLUDED(mutex_);
  // All about it, as it would stand after `end`.
  store::v1::JobRecord RecordAfter(const JobEnd& end) const ABSL_LOCKS_EXCLUDED(mutex_);

  const Origin& origin() const { return origin_; }
  bool cancel_requested() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Memory that the events take, about.
  std::int64_t event_bytes() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // Whether nothing can happen to it any more.
  bool over() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return forgotten_ || IsEnd(facts_.state());
  }
  // Takes from an event what Describe() tells.
  void Note(const v1::UpscaleStreamResponse& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Origin origin_;
  const std::shared_ptr<JobWatchers> watchers_;  // Shared with the notifier's queue.

  mutable Mutex mutex_;
  v1::UpscaleJob facts_ ABSL_GUARDED_BY(mutex_);
  std::vector<JobEvent> events_ ABSL_GUARDED_BY(mutex_);  // Numbered from 1.
  // Shared with those who are sending them.
  std::vector<std::shared_ptr<const std::string>> pictures_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> admission_ ABSL_GUARDED_BY(mutex_);
  std::function<void()> cancel_ ABSL_GUARDED_BY(mutex_);  // Null before it is known.
  bool cancel_requested_ ABSL_GUARDED_BY(mutex_) = false;
  bool work_over_ ABSL_GUARDED_BY(mutex_) = false;  // Then there is no cancel_ any more.
  bool forgotten_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace upscaler
