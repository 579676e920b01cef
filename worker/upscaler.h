// The one door from the server to the worker: a picture's bytes in, events and
// pictures' bytes out.

#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

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

namespace upscaler {

// One request, complete and in range: who makes it has validated it.
struct UpscaleTask {
  std::string encoded_image;
  std::string prompt;
  std::string negative_prompt;
  double guidance_scale = 7.5;
  int steps = 25;
  std::uint64_t seed = 0;  // Of the first picture; picture i has seed + i.
  int image_count = 1;
  EncodeOptions output;
  TimePoint deadline = TimePoint::max();
};

struct PictureSize {
  int width = 0;
  int height = 0;
};

struct UpscaledPicture {
  std::string encoded;
  PictureSize size;
  std::uint64_t seed = 0;
};

struct UpscaleOutcome {
  std::vector<UpscaledPicture> pictures;  // image_count of them, in order.
  std::vector<std::string> warnings;
  RowTimings timings;  // Of the slowest picture, part by part.
  TimePoint::duration total{};
};

struct JobProgress {
  Stage stage = Stage::kModelEncode;
  int steps_done = 0;   // Over all pictures of the request.
  int total_steps = 0;  // Over all pictures of the request.
};

// Hears about one request, on the worker's threads: OnQueued at most once and
// first, OnDone exactly once and last, OnProgress between them and, where the
// request has several pictures, from several threads at a time. Must not block
// and must not throw.
class JobListener {
 public:
  virtual ~JobListener() = default;

  // The picture was read and has its place; `rows_ahead` wait before it.
  virtual void OnQueued(PictureSize input, std::size_t rows_ahead) = 0;
  virtual void OnProgress(const JobProgress& progress) = 0;
  virtual void OnDone(absl::StatusOr<UpscaleOutcome> outcome) = 0;
};

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
  class Job;

  void Enter(const std::shared_ptr<CancelToken>& token) ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave(const std::shared_ptr<CancelToken>& token) ABSL_LOCKS_EXCLUDED(mutex_);

  const Options options_;
  RowQueue& queue_;
  ThreadPool& pool_;
  const Clock& clock_;
  Observer& observer_;
  std::atomic<RowId> next_row_id_ = 1;

  Mutex mutex_;
  std::condition_variable fewer_;  // A request has ended.
  // Of the requests that there are.
  std::set<std::shared_ptr<CancelToken>> active_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace upscaler
