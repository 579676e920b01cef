// The folder of jobs and the threads that work in it, so that nobody else waits for a disk.

#pragma once

#include <memory>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>

#include "common/thread_pool.h"
#include "server/jobs/job_folder.h"

namespace upscaler {

// Thread-safe.
class JobDisk {
 public:
  // Gets OK on one of the threads; an error, kUnavailable with the reason DRAINING, on the
  // thread that came with it, where the disk is closed.
  using Work = absl::AnyInvocable<void(const absl::Status& open) &&>;

  explicit JobDisk(std::unique_ptr<JobFolder> folder);

  // One thread each, the oldest first: what is written of a job keeps its order.
  void OnReader(Work work);
  void OnWriter(Work work);

  // Does what is left to do, and ends the threads. As ThreadPool::Close.
  void Close();

  JobFolder& folder() { return *folder_; }

 private:
  const std::unique_ptr<JobFolder> folder_;
  ThreadPool reader_{1};
  ThreadPool writer_{1};
};

}  // namespace upscaler
