// A row: one picture of one request, the unit that queues, batches and is
// answered.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>

#include "common/clock.h"
#include "worker/imaging/image.h"
#include "worker/imaging/latents.h"
#include "worker/queue/cancel_token.h"
#include "worker/queue/reply.h"
#include "worker/queue/row_course.h"
#include "worker/queue/work_trace.h"

namespace upscaler {

// Unique within a queue, and never 0.
using RowId = std::uint64_t;

// What the model is asked to do. Immutable once made.
struct RowSpec {
  // One of the two: already padded to sides that the model takes. Shared by the rows of
  // one request, which differ in the seed alone.
  std::shared_ptr<const Image> picture;
  std::shared_ptr<const Latents> latents = nullptr;
  std::string prompt{};
  std::string negative_prompt{};
  double guidance_scale = 0;
  int steps = 1;  // At least 1.
  std::uint64_t seed = 0;
  bool latents_wanted = false;  // Instead of a picture.
  int bits = 8;                 // Of the samples of the picture that is wanted: 8 or 16.
  int preview_count = 0;        // See WantsPreview.
  // Of the tiles that the picture is done in, in its pixels, and a side that the model
  // takes; 0: as a whole.
  int tile_side = 0;
};

// Whether a preview is due after so many steps, at least 1: previews are spread evenly
// over the steps, at most one a step, and none comes when the row is done.
bool WantsPreview(const RowSpec& spec, int steps_done);

// What rows must have in common to share a forward pass: what the shape of the
// tensors forces. Prompts, steps and seeds may differ.
struct BatchKey {
  int width = 0;  // Of the padded picture, or of its tiles, in pixels.
  int height = 0;
  bool guided = false;  // guidance_scale > 1: two passes of the UNet a step.

  bool operator==(const BatchKey&) const = default;

  // Passes of the UNet that a row takes a step.
  int passes() const { return guided ? 2 : 1; }
};

BatchKey BatchKeyOf(const RowSpec& spec);
// Of a row for a padded picture of this size.
BatchKey BatchKeyOf(int width, int height, int tile_side, double guidance_scale);

// Called on the replica's thread: with nothing done when the row has left the queue, and
// again if it has to begin anew; after each part of an encoding that takes several, and
// after each pass over tiles of the row, or the whole of it. Must not block and must not
// throw.
using RowProgress = absl::AnyInvocable<void(const RowAdvance& advance)>;

// Called there too, with what the row looks like after so many of its steps.
using RowPreview = absl::AnyInvocable<void(int steps_done, Image image)>;

// Where a waiting row stands.
struct RowPlace {
  std::size_t rows_ahead = 0;
  TimePoint::duration work_ahead{};  // Of these rows, and of those that are begun.
};

// Called while the row waits, on the thread of whoever has the queue tell places; a last
// time, maybe, when the row has just been begun or answered. Must not block and must not
// throw.
using RowPlaceListener = std::function<void(const RowPlace& place)>;

struct Row {
  RowId id = 0;  // Given by the queue.
  RowSpec spec;
  TimePoint deadline = TimePoint::max();      // Past it the caller has stopped listening.
  std::shared_ptr<const CancelToken> cancel;  // Never null.
  RowProgress progress;
  RowPreview preview = nullptr;  // Null where spec.preview_count is 0.
  // Null for a row whose place nobody asks for. Shared, because the row may leave the queue
  // while it is called.
  std::shared_ptr<const RowPlaceListener> place = nullptr;
  Reply reply;
  // How long a device would work for the row alone: an estimate, 0 if unknown.
  TimePoint::duration work{};
  bool work_is_guess = false;      // It is scaled from pictures of another size.
  TimePoint::duration decoding{};  // The part of `work` that comes after the last step.
  TimePoint queued_at{};           // Set by the queue.
  double fair_finish = 0;          // Set by the queue: see FairShare.
  int restarts = 0;                // How often the row began anew because an engine broke.
  RowTrace trace = {};             // Hears of the row's parts, if anybody follows its request.
};

// What is left to do for `row` when it has come so far, in equal parts for each pass.
TimePoint::duration WorkLeft(const Row& row, const RowCourse& course);

// How long `row` still takes alone when it has come so far, its decoding included.
TimePoint::duration TimeLeft(const Row& row, const RowCourse& course);

// Why nobody waits for `row` any more, if so: kCancelled or kDeadlineExceeded.
std::optional<absl::Status> DepartureOf(const Row& row, TimePoint now);
// The same for what is left of it.
std::optional<absl::Status> DepartureOf(const CancelToken& cancel, TimePoint deadline,
                                        TimePoint now);

}  // namespace upscaler
