// All jobs of the server: in memory, or on disk through a restart.
//
// A job begins here when a client has sent its picture, hears of the worker's events, and
// stays for a time after its end. What jobs hold is bounded: those that run by the
// worker's admission, those that have ended by a number of bytes and a number of jobs.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/mutex.h"
#include "common/thread_pool.h"
#include "proto/upscaler/v1/job.pb.h"
#include "server/jobs/job.h"
#include "server/jobs/job_disk.h"
#include "server/jobs/job_end.h"
#include "server/jobs/job_table.h"
#include "server/jobs/system_time.h"

namespace upscaler {

// Thread-safe. Nothing blocks on the disk but Open, Flush and the destructor: the store has
// threads for that, if there is a folder.
class JobStore {
 public:
  struct Options {
    JobTable::Limits limits{};
    std::chrono::seconds ttl{3600};  // From a job's end until it is forgotten.
    std::filesystem::path folder{};  // Empty: jobs are kept in memory.
    SystemClock now;
    std::function<std::string()> make_id;  // 32 hexadecimal digits, never the same. Thread-safe.
    // Hears what an operator should know of the folder. Thread-safe.
    std::function<void(const std::string& problem)> report = [](const std::string& /*problem*/) {};
    // Hears of every job that ends, once, also of one that was deleted meanwhile.
    // Thread-safe; must not block.
    std::function<void(const Job::Origin& job, const JobEnd& end)> on_end =
        [](const Job::Origin& /*job*/, const JobEnd& /*end*/) {};
  };

  // With what is in the folder: jobs that had not ended become INTERRUPTED. Blocks.
  // kFailedPrecondition when the folder is of no use.
  static absl::StatusOr<std::unique_ptr<JobStore>> Open(Options options);

  // As Flush. Nobody may use the store any more, nor have a listener that does.
  ~JobStore() = default;
  JobStore(const JobStore&) = delete;
  JobStore& operator=(const JobStore&) = delete;

  // What a client asks for.
  struct Request {
    std::string caller;           // A key's name; empty where keys are not asked for.
    std::string request_id = {};  // May be empty.
    std::string digest = {};      // Of JobDigest; counts where there is a request_id.
    v1::UpscaleSpec effective_spec = {};
    std::string call_request_id = {};  // See Job::Origin.
    std::string trace_id = {};
  };
  struct Created {
    std::shared_ptr<Job> job;
    bool created = true;  // False where it was there already.
  };
  // Begins a job, or finds that of the request_id. kAlreadyExists, reason
  // REQUEST_ID_REUSED, when that one is another; kResourceExhausted, reason JOBS_FULL, when
  // there are too many that have not ended. A job that was begun is neither found nor
  // listed until it is admitted: call Admit or Refuse.
  absl::StatusOr<Created> Create(Request request) ABSL_LOCKS_EXCLUDED(mutex_);

  // The worker has taken it on. It counts as admitted when it is on disk; if it cannot be
  // written there, it is cancelled and refused.
  void Admit(const std::shared_ptr<Job>& job);
  // The worker has not taken it on: nothing of it stays.
  void Refuse(const std::shared_ptr<Job>& job, const absl::Status& error)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // It has ended: an error that comes of cancelling it is CANCELLED if a client wished so
  // and INTERRUPTED if the server did. Pictures that are too large to be kept, or that
  // cannot be written, make it fail.
  void Finish(const std::shared_ptr<Job>& job, absl::StatusOr<JobResult> result)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // kNotFound when the caller has no such job: with the reason JOB_GONE where it is
  // remembered that there was one, JOB_NOT_FOUND otherwise.
  absl::StatusOr<std::shared_ptr<Job>> Find(const std::string& caller, const std::string& id) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  // A page of the caller's jobs, newest first. As PageBegin and MakePage.
  absl::StatusOr<v1::ListUpscaleJobsResponse> List(const std::string& caller,
                                                   const v1::ListUpscaleJobsRequest& request) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Cancels the job, if it runs, and forgets it; `done` is called when nothing is left of
  // it, on any thread, also before this returns. Find's errors go there too.
  void Delete(const std::string& caller, const std::string& id,
              absl::AnyInvocable<void(absl::Status) &&> done) ABSL_LOCKS_EXCLUDED(mutex_);

  // At most `bytes` of a picture of the job from `offset` on; `done` is called as Delete's.
  // kNotFound when the job is gone.
  void Read(const std::shared_ptr<Job>& job, std::size_t index, std::uint64_t offset,
            std::size_t bytes, absl::AnyInvocable<void(absl::StatusOr<std::string>) &&> done);

  // Forgets the jobs whose time is over. To be called every now and then.
  void Sweep() ABSL_LOCKS_EXCLUDED(mutex_);

  // Writes what is left to write, tells what is left to tell, and ends the store's threads: on
  // return no call is held by them, and nothing of the worker's is used by them. What needs
  // the disk is answered with kUnavailable, reason DRAINING, from then on. Blocks. Not by two
  // threads at once.
  void Flush();

  // How much there is at this moment.
  struct Kept {
    std::size_t jobs = 0;
    std::int64_t bytes = 0;  // Pictures and events of jobs that have ended.
  };
  Kept kept() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  explicit JobStore(Options options);

  void Load() ABSL_LOCKS_EXCLUDED(mutex_);
  // The job of a record; it is interrupted if it had not ended.
  std::shared_ptr<Job> Revive(const store::v1::JobRecord& record);
  // Takes in a job that has ended.
  void Enter(const std::shared_ptr<Job>& job) ABSL_LOCKS_EXCLUDED(mutex_);
  bool Contains(const Job& job) const ABSL_LOCKS_EXCLUDED(mutex_);
  // How a job ends that the worker answers so.
  JobEnd EndOf(const Job& job, const absl::Status& status) const;
  // Writes the end and the pictures to the disk; returns the end that came of it.
  JobEnd Write(const std::shared_ptr<Job>& job, JobEnd end,
               const std::vector<std::string>& pictures) ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends the job, which is on disk by now, if there is one. Where it was deleted, that it has
  // ended is all that is told.
  void Settle(const std::shared_ptr<Job>& job, const JobEnd& end, std::vector<std::string> pictures)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Lets go of jobs that the table has not any more.
  void Discard(const std::vector<std::shared_ptr<Job>>& jobs);

  const Options options_;

  mutable Mutex mutex_;
  JobTable table_ ABSL_GUARDED_BY(mutex_);

  // Tells watchers. One, so that they hear of nothing twice at a time.
  ThreadPool notifier_{1};

  // Null where jobs are kept in memory. Last, since its threads use the rest.
  std::unique_ptr<JobDisk> disk_;
};

}  // namespace upscaler
