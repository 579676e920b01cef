// A picture that is decoded band by band, as it is asked for.
//
// A large picture takes long to decode and much memory to hold. So its bands are decoded
// when whoever writes it is there for them, and other rows' decodings come between.

#pragma once

#include <memory>

#include <absl/status/statusor.h>

#include "common/clock.h"
#include "worker/imaging/picture_rows.h"
#include "worker/queue/row.h"
#include "worker/scheduler/finished_row.h"

namespace upscaler {

// As PictureRows says.
class DecodedRows final : public PictureRows {
 public:
  // `rows` are the engine's, of the finished `row`.
  DecodedRows(DecodingPlace place, const Row& row, std::unique_ptr<PictureRows> rows);

  int width() const override { return rows_->width(); }
  int height() const override { return rows_->height(); }
  int bits() const override { return rows_->bits(); }

  // Has the decoder decode the next band, and waits for it: so not to be called by its
  // tasks. What the engine answers, or why nobody waits for the row any more; want of
  // memory as TooLargeForMemory.
  absl::StatusOr<Image> Next() override;

 private:
  // These run as the decoder's tasks, while Next waits.
  absl::StatusOr<Image> DecodeBand();
  absl::StatusOr<Image> DecodeForRow();
  // A band was decoded between these.
  void Note(const Image& band, TimePoint start, TimePoint end);

  const DecodingPlace place_;
  const BatchKey key_;  // Of a tile.
  const int steps_;
  const TimePoint deadline_;
  const std::shared_ptr<const CancelToken> cancel_;  // The row's, which is gone by then.
  const RowTrace trace_;
  const std::unique_ptr<PictureRows> rows_;

  int height_done_ = 0;
  TimePoint start_{};           // Of the first band.
  TimePoint::duration took_{};  // All bands so far.
};

}  // namespace upscaler
