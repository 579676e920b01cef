// One request on its way: its picture is read, runs as rows, and is written.

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include <absl/base/thread_annotations.h>
#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "common/thread_pool.h"
#include "worker/imaging/codec.h"
#include "worker/imaging/padding.h"
#include "worker/queue/cancel_token.h"
#include "worker/queue/row_queue.h"
#include "worker/scheduler/observer.h"
#include "worker/upscale_task.h"

namespace upscaler {

// What all jobs share. Borrowed; it outlives them.
struct JobSurroundings {
  SideRule sides;  // The model's.
  DecodeLimits limits;
  RowQueue& queue;
  ThreadPool& pool;
  const Clock& clock;
  Observer& observer;
};

// Shared by its rows and by its tasks on the pool; the last of them lets it go.
// Thread-safe after Read.
class UpscaleJob : public std::enable_shared_from_this<UpscaleJob> {
 public:
  // `on_end` is called when the job goes, which is after the listener has heard
  // the end or, if Read was never called, without it.
  UpscaleJob(const JobSurroundings& surroundings, UpscaleTask task,
             std::shared_ptr<JobListener> listener, absl::AnyInvocable<void() &&> on_end);
  ~UpscaleJob();
  UpscaleJob(const UpscaleJob&) = delete;
  UpscaleJob& operator=(const UpscaleJob&) = delete;

  // Decodes the picture and queues its rows, or answers why not. Once; on the pool.
  void Read(Reservation reservation);

  // Cancels the job wherever it is.
  const std::shared_ptr<CancelToken>& token() const { return token_; }

 private:
  absl::StatusOr<std::shared_ptr<const Image>> ReadPicture();
  absl::Status CheckPaddedSize() const;
  Row MakeRow(int index, std::shared_ptr<const Image> picture);
  std::uint64_t SeedOf(int index) const;

  void OnStep(int steps_done);
  // A row's answer, on the replica's thread: the picture is encoded elsewhere.
  void OnRow(int index, absl::StatusOr<RowResult> result);
  // Crops and encodes a finished picture. On the pool.
  void Write(int index, RowResult row);

  // Notes a row's error and gives up the others, which are of no use without it.
  void Fail(absl::Status status);
  // Counts one row as over; the last one answers the request, with the first
  // error if there was one.
  void Settle(absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_);

  const JobSurroundings& surroundings_;
  const TimePoint start_;
  UpscaleTask task_;
  const std::shared_ptr<JobListener> listener_;
  absl::AnyInvocable<void() &&> on_end_;
  // Shared with the rows and with whoever may cancel the request.
  const std::shared_ptr<CancelToken> token_ = std::make_shared<CancelToken>();
  PictureSize input_;  // Set by Read, before there are rows.
  std::atomic<int> steps_done_ = 0;

  Mutex mutex_;
  int missing_ ABSL_GUARDED_BY(mutex_);  // Rows that are not over yet.
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
  UpscaleOutcome outcome_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace upscaler
