// One request on its way: its picture is read, runs as rows, and is written.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "common/thread_pool.h"
#include "worker/forecast.h"
#include "worker/imaging/image.h"
#include "worker/job_course.h"
#include "worker/job_input.h"
#include "worker/job_output.h"
#include "worker/job_preview.h"
#include "worker/job_tally.h"
#include "worker/picture_parameters.h"
#include "worker/queue/admission.h"
#include "worker/queue/cancel_token.h"
#include "worker/queue/row_queue.h"
#include "worker/request_plan.h"
#include "worker/scheduler/cost_model.h"
#include "worker/scheduler/observer.h"
#include "worker/upscale_task.h"

namespace upscaler {

// What all jobs share. Borrowed; it outlives them.
struct JobSurroundings {
  RequestRules rules;
  Admission& admission;
  RowQueue& queue;
  ThreadPool& pool;
  // For pictures that come in bands: whoever writes them waits for the device.
  ThreadPool& band_pool;
  const Clock& clock;
  Observer& observer;
  const CostModel& costs;
  const Forecast& forecast;
  JobTally& tally;
  // Must not block.
  std::function<ServiceFacts()> service;
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

  // Decodes the picture and queues its rows, or answers why not. Once; on the pool. The
  // places are held until the job is answered.
  void Read(Reservation reservation);

  // Cancels the job wherever it is.
  const std::shared_ptr<CancelToken>& token() const { return token_; }

 private:
  absl::Status ReadInput();
  // Whether an input that comes with this header is taken on: before memory is taken for it.
  // The size that it is to be brought to first.
  absl::StatusOr<PictureSize> Accept(const PictureHeader& came);
  absl::Status CheckDeadline() const;
  // The row of a picture's next run. `latents` are those of the run before, if there was one.
  Row MakeRow(int index, std::size_t run, std::shared_ptr<const Latents> latents);
  const ModelRun& RunOf(std::size_t run) const { return plan_.runs[run]; }
  int PreviewsOf(std::size_t run) const;
  std::uint64_t SeedOf(int index) const;

  // The row that comes first stands elsewhere in the queue.
  void OnPlace(const RowPlace& place) ABSL_LOCKS_EXCLUDED(mutex_);
  // A row's preview, on the replica's thread: it is encoded elsewhere.
  void OnPreview(int index, int steps_done, Image image) ABSL_LOCKS_EXCLUDED(mutex_);
  // Crops, encodes and tells what there is, in order. On the pool.
  void ShowPreviews() ABSL_LOCKS_EXCLUDED(mutex_);
  void OnAdvance(int index, const RowAdvance& advance) ABSL_LOCKS_EXCLUDED(mutex_);
  // So much of a finished picture has been decoded.
  void OnBand(int index, double share) ABSL_LOCKS_EXCLUDED(mutex_);
  // A row's answer, on the replica's thread: the picture is encoded elsewhere, or goes into its
  // next run.
  void OnRow(int index, absl::StatusOr<RowResult> result) ABSL_LOCKS_EXCLUDED(mutex_);
  void BeginNextRun(int index, RowResult row) ABSL_LOCKS_EXCLUDED(mutex_);
  OutputForm FormOf(int index) const;
  // Crops and encodes a finished picture or its latents. On a pool.
  void Write(int index, RowResult row) ABSL_LOCKS_EXCLUDED(mutex_);
  std::optional<TimePoint::duration> UntilDone(TimePoint::duration work_ahead) const;

  // Tells that a row's caller went away, unless the row was given up for another's error.
  void ObserveCancelled(CancelStage stage) ABSL_LOCKS_EXCLUDED(mutex_);
  // Notes a row's error and gives up the others, which are of no use without it.
  void Fail(absl::Status status);
  // Counts one row, or preview, as over; the last one answers the request, with the first
  // error if there was one.
  void Settle(absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_);
  // Gives the places back, counts the job, and tells the listener.
  void End(absl::StatusOr<UpscaleOutcome> outcome);

  const JobSurroundings& surroundings_;
  const TimePoint start_;
  UpscaleTask task_;
  const std::shared_ptr<JobListener> listener_;
  absl::AnyInvocable<void() &&> on_end_;
  // Shared with the rows and with whoever may cancel the request.
  const std::shared_ptr<CancelToken> token_ = std::make_shared<CancelToken>();
  // These are set by Read, before there are rows. The reservation is ended by End.
  TimePoint queued_at_{};
  std::optional<Reservation> reservation_;
  RequestPlan plan_;
  JobInput input_;

  Mutex mutex_;
  JobCourse course_ ABSL_GUARDED_BY(mutex_);
  // Of each picture, in its runs before this one.
  std::vector<RowTimings> earlier_runs_ ABSL_GUARDED_BY(mutex_);
  std::vector<int> previews_shown_ ABSL_GUARDED_BY(mutex_);  // Of each picture, so far.
  int missing_ ABSL_GUARDED_BY(mutex_);  // Rows and previews that are not over yet.
  // In order; the first one is being encoded.
  std::deque<PictureLook> previews_ ABSL_GUARDED_BY(mutex_);
  std::size_t rows_ahead_ ABSL_GUARDED_BY(mutex_) = 0;  // As the listener was told.
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
  UpscaleOutcome outcome_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace upscaler
