// The one door from the server to the worker: a picture's bytes in, events and
// pictures' bytes out.

#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "common/thread_pool.h"
#include "worker/imaging/codec.h"
#include "worker/imaging/padding.h"
#include "worker/queue/cancel_token.h"
#include "worker/queue/row_queue.h"
#include "worker/scheduler/observer.h"
#include "worker/upscale_job.h"
#include "worker/upscale_task.h"

namespace upscaler {

// Thread-safe.
class Upscaler {
 public:
  struct Options {
    SideRule sides;  // The model's.
    DecodeLimits limits;
  };

  // What is passed by reference must outlive the upscaler and all its jobs.
  Upscaler(const Options& options, RowQueue& queue, ThreadPool& pool, const Clock& clock,
           Observer& observer);

  // Waits until every request has ended: they use the upscaler to their last.
  ~Upscaler();

  Upscaler(const Upscaler&) = delete;
  Upscaler& operator=(const Upscaler&) = delete;

  // Starts a request, or refuses it with the status of RowQueue::Reserve; a
  // refused one's listener is not called. Never blocks. The returned handle
  // cancels the request wherever it is; its listener then hears kCancelled at
  // the next step boundary at the latest.
  absl::StatusOr<std::shared_ptr<CancelToken>> Start(UpscaleTask task,
                                                     std::shared_ptr<JobListener> listener);

  // Cancels a request and frees its places in the queue at once.
  void Cancel(CancelToken& token);

  // Cancels every request that there is.
  void CancelAll() ABSL_LOCKS_EXCLUDED(mutex_);

  // Blocks until no request is left, or until `deadline` of the steady clock.
  void AwaitIdle(TimePoint deadline) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Enter(std::uint64_t number, std::shared_ptr<CancelToken> token) ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave(std::uint64_t number) ABSL_LOCKS_EXCLUDED(mutex_);

  const JobSurroundings surroundings_;
  std::atomic<std::uint64_t> next_number_ = 1;

  Mutex mutex_;
  std::condition_variable fewer_;  // A request has ended.
  // Of the requests that there are, by number.
  std::map<std::uint64_t, std::shared_ptr<CancelToken>> active_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace upscaler
