#include "worker/scheduler/decoded_rows.h"

#include <condition_variable>
#include <optional>
#include <utility>

#include "common/mutex.h"
#include "worker/scheduler/picture_memory.h"

namespace upscaler {
namespace {

// What a decoded picture's sides are of those that it was made of.
constexpr int kScale = 2;

// A band on its way from the decoder's thread. Thread-safe.
class Handover {
 public:
  void Give(absl::StatusOr<Image> band) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    band_ = std::move(band);
    given_.notify_all();  // With the lock held: who waits destroys this.
  }

  // Waits for it. Once.
  absl::StatusOr<Image> Take() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    while (!band_.has_value()) lock.Wait(given_);
    return *std::move(band_);
  }

 private:
  Mutex mutex_;
  std::condition_variable given_;
  std::optional<absl::StatusOr<Image>> band_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

DecodedRows::DecodedRows(DecodingPlace place, const Row& row, std::unique_ptr<PictureRows> rows)
    : place_(std::move(place)),
      key_(BatchKeyOf(row.spec)),
      steps_(row.spec.steps),
      deadline_(row.deadline),
      cancel_(row.cancel),
      trace_(row.trace),
      rows_(std::move(rows)) {}

absl::StatusOr<Image> DecodedRows::Next() {
  Handover handover;
  place_.decoder([this, &handover] { handover.Give(DecodeBand()); });
  return handover.Take();
}

absl::StatusOr<Image> DecodedRows::DecodeBand() {
  const TimePoint start = place_.parts.clock.Now();
  absl::StatusOr<Image> band = DecodeForRow();
  if (band.ok()) {
    Note(*band, start, place_.parts.clock.Now());
    return band;
  }
  place_.parts.observer.OnWastedSteps(steps_);
  if (absl::IsResourceExhausted(band.status())) return TooLargeForMemory(key_, 1, 1, place_.sides);
  return band;
}

absl::StatusOr<Image> DecodedRows::DecodeForRow() {
  if (std::optional<absl::Status> departure =
          DepartureOf(*cancel_, deadline_, place_.parts.clock.Now())) {
    return *std::move(departure);
  }
  const int tile_width = kScale * key_.width;
  const int tiles = (width() + tile_width - 1) / tile_width;  // Of a band, about.
  const Pulse::Work work(place_.pulse, tiles * place_.parts.costs.DecodeTime(key_));
  return rows_->Next();
}

void DecodedRows::Note(const Image& band, TimePoint start, TimePoint end) {
  using Seconds = std::chrono::duration<double>;
  const double tile = double{kScale * kScale} * key_.width * key_.height;
  const double pixels = static_cast<double>(band.width) * band.height;
  place_.parts.costs.NoteDecode(key_, std::chrono::duration_cast<TimePoint::duration>(
                                          Seconds(end - start) * (tile / pixels)));
  if (height_done_ == 0) start_ = start;
  took_ += end - start;
  height_done_ += band.height;
  if (height_done_ < height()) return;
  place_.parts.observer.OnStage(Stage::kVaeDecode, took_);
  trace_.OnPart(WorkPart::kVaeDecode, start_, end);
}

}  // namespace upscaler
