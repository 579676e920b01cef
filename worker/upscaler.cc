#include "worker/upscaler.h"

#include <algorithm>
#include <utility>

#include <absl/status/status.h>
#include <fmt/format.h>

#include "common/error_details.h"
#include "common/status_macros.h"
#include "worker/imaging/within_memory.h"

namespace upscaler {
namespace {

// What padding may make of the largest picture allowed.
constexpr std::int64_t kPaddingAllowance = 2;

// The longest of each part, so that a request's timings read like one picture's.
void TakeLongest(RowTimings& into, const RowTimings& from) {
  into.queue = std::max(into.queue, from.queue);
  into.encode = std::max(into.encode, from.encode);
  into.denoise = std::max(into.denoise, from.denoise);
  into.decode = std::max(into.decode, from.decode);
}

}  // namespace

// One request on its way: read on the pool, run as rows, written on the pool.
// Its rows and tasks share it, and the last of them lets it go.
class Upscaler::Job : public std::enable_shared_from_this<Job> {
 public:
  Job(Upscaler& upscaler, UpscaleTask task, std::shared_ptr<JobListener> listener)
      : upscaler_(upscaler),
        start_(upscaler.clock_.Now()),
        task_(std::move(task)),
        listener_(std::move(listener)),
        missing_(task_.image_count) {
    outcome_.pictures.resize(static_cast<std::size_t>(task_.image_count));
    upscaler_.Enter(token_);
  }
  // The listener has heard the end by now.
  ~Job() { upscaler_.Leave(token_); }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  const std::shared_ptr<CancelToken>& token() const { return token_; }

  // Decodes the picture and queues its rows. On the pool.
  void Read(Reservation reservation) {
    absl::StatusOr<std::shared_ptr<const Image>> picture =
        WithinMemory([this] { return ReadPicture(); });
    if (!picture.ok()) {
      { const Reservation released = std::move(reservation); }
      listener_->OnDone(picture.status());
      return;
    }
    std::vector<Row> rows;
    for (int i = 0; i < task_.image_count; ++i) rows.push_back(MakeRow(i, *picture));
    listener_->OnQueued(input_, upscaler_.queue_.depth() - reservation.places());
    upscaler_.queue_.Push(std::move(reservation), std::move(rows));
  }

 private:
  absl::StatusOr<std::shared_ptr<const Image>> ReadPicture() {
    if (token_->cancelled()) return absl::CancelledError("the request was cancelled");
    const TimePoint start = upscaler_.clock_.Now();
    UPSCALER_ASSIGN_OR_RETURN(const Image decoded,
                              DecodeImage(task_.encoded_image, upscaler_.options_.limits));
    input_ = {.width = decoded.width, .height = decoded.height};
    UPSCALER_RETURN_IF_ERROR(CheckPaddedSize());
    UPSCALER_RETURN_IF_ERROR(CheckOutputSide());
    auto padded = std::make_shared<const Image>(PadByReflection(decoded, upscaler_.options_.sides));
    task_.encoded_image = {};  // Not needed any more, and it may be large.
    upscaler_.observer_.OnStage(Stage::kImageDecode, upscaler_.clock_.Now() - start);
    return padded;
  }

  // The decoder's limit is on the picture as it came; a thin one grows.
  absl::Status CheckPaddedSize() const {
    const SideRule& rule = upscaler_.options_.sides;
    const std::int64_t width = PaddedSide(input_.width, rule);
    const std::int64_t height = PaddedSide(input_.height, rule);
    const std::int64_t least = std::int64_t{rule.minimum} * rule.minimum;
    const std::int64_t allowed =
        std::max(kPaddingAllowance * upscaler_.options_.limits.max_pixels, least);
    if (width * height <= allowed) return absl::OkStatus();
    return InvalidField("image", fmt::format("{}x{} has to be continued to {}x{} for the model; at "
                                             "most {} pixels are allowed then",
                                             input_.width, input_.height, width, height, allowed));
  }

  // Asked before the model runs for a picture that its format cannot hold.
  absl::Status CheckOutputSide() const {
    const int side = 2 * std::max(input_.width, input_.height);
    const int allowed = MaxSide(task_.output.format);
    if (side <= allowed) return absl::OkStatus();
    return InvalidField("output_format",
                        fmt::format("the result has a side of {}; at most {} is possible in this "
                                    "format",
                                    side, allowed));
  }

  Row MakeRow(int index, std::shared_ptr<const Image> picture) {
    return Row{
        .id = upscaler_.next_row_id_.fetch_add(1, std::memory_order_relaxed),
        .spec = {.picture = std::move(picture),
                 .prompt = task_.prompt,
                 .negative_prompt = task_.negative_prompt,
                 .guidance_scale = task_.guidance_scale,
                 .steps = task_.steps,
                 .seed = SeedOf(index)},
        .deadline = task_.deadline,
        .cancel = token_,
        .progress = [job = shared_from_this()](int steps_done) { job->OnStep(steps_done); },
        .reply = Reply([job = shared_from_this(), index](absl::StatusOr<RowResult> result) {
          job->OnRow(index, std::move(result));
        }),
        .queued_at = {},
    };
  }

  std::uint64_t SeedOf(int index) const { return task_.seed + static_cast<std::uint64_t>(index); }

  void OnStep(int steps_done) {
    const int before = steps_done_.fetch_add(steps_done > 0 ? 1 : 0, std::memory_order_relaxed);
    Stage stage = Stage::kDenoise;
    if (steps_done == 0) stage = Stage::kModelEncode;
    if (steps_done == task_.steps) stage = Stage::kModelDecode;
    listener_->OnProgress({.stage = stage,
                           .steps_done = before + (steps_done > 0 ? 1 : 0),
                           .total_steps = task_.steps * task_.image_count});
  }

  // A row's answer, on the replica's thread: the picture is encoded elsewhere.
  void OnRow(int index, absl::StatusOr<RowResult> result) {
    if (!result.ok()) {
      Fail(result.status());
      return;
    }
    upscaler_.pool_.Add([job = shared_from_this(), index, row = *std::move(result)]() mutable {
      job->Write(index, std::move(row));
    });
  }

  // Crops and encodes a finished picture. On the pool.
  void Write(int index, RowResult row) {
    const TimePoint start = upscaler_.clock_.Now();
    const PictureSize size = {.width = 2 * input_.width, .height = 2 * input_.height};
    absl::StatusOr<std::string> encoded = WithinMemory(
        [&] { return EncodeImage(Crop(row.image, size.width, size.height), task_.output); });
    upscaler_.observer_.OnStage(Stage::kImageEncode, upscaler_.clock_.Now() - start);
    if (!encoded.ok()) {
      Fail(encoded.status());
      return;
    }
    {
      MutexLock lock(mutex_);
      outcome_.pictures[static_cast<std::size_t>(index)] = {
          .encoded = *std::move(encoded), .size = size, .seed = SeedOf(index)};
      if (outcome_.warnings.empty()) outcome_.warnings = std::move(row.warnings);
      TakeLongest(outcome_.timings, row.timings);
    }
    Settle(absl::OkStatus());
  }

  // Notes a row's error and gives up the others, which are of no use without it.
  // In this order: theirs will be that they were cancelled.
  void Fail(absl::Status status) {
    Settle(std::move(status));
    upscaler_.Cancel(*token_);
  }

  // Counts one row as over; the last one answers the request, with the first
  // error if there was one.
  void Settle(absl::Status status) {
    absl::StatusOr<UpscaleOutcome> outcome;
    {
      MutexLock lock(mutex_);
      if (error_.ok()) error_ = std::move(status);
      if (--missing_ > 0) return;
      outcome_.total = upscaler_.clock_.Now() - start_;
      if (error_.ok()) {
        outcome = std::move(outcome_);
      } else {
        outcome = error_;
      }
    }
    listener_->OnDone(std::move(outcome));
  }

  Upscaler& upscaler_;
  const TimePoint start_;
  UpscaleTask task_;
  const std::shared_ptr<JobListener> listener_;
  // Shared with the rows and with whoever may cancel the request.
  const std::shared_ptr<CancelToken> token_ = std::make_shared<CancelToken>();
  PictureSize input_;  // Set by Read, before there are rows.
  std::atomic<int> steps_done_ = 0;

  Mutex mutex_;
  int missing_ ABSL_GUARDED_BY(mutex_);  // Rows that are not over yet.
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
  UpscaleOutcome outcome_ ABSL_GUARDED_BY(mutex_);
};

Upscaler::Upscaler(const Options& options, RowQueue& queue, ThreadPool& pool, const Clock& clock,
                   Observer& observer)
    : options_(options), queue_(queue), pool_(pool), clock_(clock), observer_(observer) {}

Upscaler::~Upscaler() { AwaitIdle(TimePoint::max()); }

absl::StatusOr<std::shared_ptr<CancelToken>> Upscaler::Start(
    UpscaleTask task, std::shared_ptr<JobListener> listener) {
  if (task.deadline <= clock_.Now()) {
    return WithReason(
        absl::DeadlineExceededError("the deadline had passed when the request arrived"),
        "DEADLINE_PASSED");
  }
  const auto places = static_cast<std::size_t>(task.image_count);
  // The job first: who waits for the last one to end must see it before the queue
  // has let it in.
  auto job = std::make_shared<Job>(*this, std::move(task), std::move(listener));
  UPSCALER_ASSIGN_OR_RETURN(Reservation reservation, queue_.Reserve(places));
  std::shared_ptr<CancelToken> token = job->token();
  pool_.Add([job = std::move(job), reservation = std::move(reservation)]() mutable {
    job->Read(std::move(reservation));
  });
  return token;
}

void Upscaler::Cancel(CancelToken& token) {
  token.Cancel();
  queue_.DropDeparted();
}

void Upscaler::CancelAll() {
  {
    MutexLock lock(mutex_);
    for (const auto& token : active_) token->Cancel();
  }
  queue_.DropDeparted();
}

void Upscaler::AwaitIdle(TimePoint deadline) {
  MutexLock lock(mutex_);
  while (!active_.empty() && lock.WaitUntil(fewer_, deadline)) continue;
}

void Upscaler::Enter(const std::shared_ptr<CancelToken>& token) {
  MutexLock lock(mutex_);
  active_.insert(token);
}

void Upscaler::Leave(const std::shared_ptr<CancelToken>& token) {
  MutexLock lock(mutex_);
  active_.erase(token);
  fewer_.notify_all();
}

}  // namespace upscaler
