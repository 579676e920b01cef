// The one door from the server to the worker: a picture's bytes in, events and
// pictures' bytes out.

#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "common/thread_pool.h"
#include "worker/forecast.h"
#include "worker/job_tally.h"
#include "worker/queue/admission.h"
#include "worker/queue/cancel_token.h"
#include "worker/request_plan.h"
#include "worker/scheduler/step_loop.h"
#include "worker/upscale_job.h"
#include "worker/upscale_task.h"

namespace upscaler {

// Thread-safe.
class Upscaler {
 public:
  struct Options {
    RequestRules rules;
    // How many replicas take work. Thread-safe; must not block.
    std::function<std::size_t()> replicas = [] { return std::size_t{1}; };
    // What pictures say of the service that made them. Thread-safe; must not block.
    std::function<ServiceFacts()> service = [] { return ServiceFacts(); };
  };

  // Threads for what requests need beside the model.
  struct Pools {
    ThreadPool& images;  // Decode and encode pictures.
    ThreadPool& bands;   // Encode pictures that come in bands, and wait for the device meanwhile.
  };

  // What is passed by reference must outlive the upscaler and all its jobs.
  Upscaler(const Options& options, Admission& admission, const SchedulerParts& scheduler,
           const Pools& pools);

  // Waits until every request has ended: they use the upscaler to their last.
  ~Upscaler();

  Upscaler(const Upscaler&) = delete;
  Upscaler& operator=(const Upscaler&) = delete;

  // Starts a request, or refuses it with the status of Admission::Reserve and the time
  // after which there should be room; a refused one's listener is not called. Never
  // blocks. The returned handle cancels the request wherever it is; its listener then
  // hears kCancelled at the next step boundary at the latest.
  absl::StatusOr<std::shared_ptr<CancelToken>> Start(UpscaleTask task,
                                                     std::shared_ptr<JobListener> listener);

  // Cancels a request. Where it waits, it ends at once.
  void Cancel(CancelToken& token);

  // What `task`, whose input is left out, would take with one that comes with this header. Fails
  // with what Start's listener would hear, but for what the input itself is refused for.
  absl::StatusOr<UpscaleEstimate> Estimate(const UpscaleTask& task,
                                           const PictureHeader& came) const;

  // Ends every request that there is for the server's sake: their listeners hear
  // kUnavailable, reason DRAINING.
  void CancelAll() ABSL_LOCKS_EXCLUDED(mutex_);

  // Blocks until no request is left, or until `deadline` of the steady clock.
  void AwaitIdle(TimePoint deadline) ABSL_LOCKS_EXCLUDED(mutex_);

  // Refuses requests from now on; those that were admitted go on.
  void Close() { surroundings_.admission.Close(); }

  const JobTally& tally() const { return tally_; }
  const RequestRules& rules() const { return surroundings_.rules; }

 private:
  void Enter(std::uint64_t number, std::shared_ptr<CancelToken> token) ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave(std::uint64_t number) ABSL_LOCKS_EXCLUDED(mutex_);

  JobTally tally_;
  const Forecast forecast_;
  const JobSurroundings surroundings_;
  std::atomic<std::uint64_t> next_number_ = 1;

  Mutex mutex_;
  std::condition_variable fewer_;  // A request has ended.
  // Of the requests that there are, by number.
  std::map<std::uint64_t, std::shared_ptr<CancelToken>> active_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace upscaler
