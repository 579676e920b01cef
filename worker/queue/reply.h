// The one answer that a row owes.
//
// A Reply is sent exactly once: by Send(), or, if nobody does, by its
// destructor, with kInternal. So neither a forgotten branch nor an exception in
// a worker can leave a client waiting for ever.

#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/status/statusor.h>

#include "common/clock.h"
#include "worker/imaging/image.h"
#include "worker/imaging/latents.h"
#include "worker/imaging/picture_rows.h"

namespace upscaler {

// Where a row's time went.
struct RowTimings {
  TimePoint::duration queue{};    // Waiting for a replica.
  TimePoint::duration encode{};   // Prompt to embedding, picture to latents.
  TimePoint::duration denoise{};  // From the first step to the last.
  TimePoint::duration decode{};   // Latents to pixels, but for those that come later.

  // Those of another row of the same picture come on top.
  void Add(const RowTimings& other);
  // The longest of each part, so that those of several rows read like one's.
  void TakeLongest(const RowTimings& other);
};

// Twice the size of the row's padded picture or latents. PictureRows where the picture is
// done in tiles: whoever gets them may have to wait for each of them.
using RowOutput = std::variant<Image, Latents, std::unique_ptr<PictureRows>>;

// What comes of a row.
struct RowResult {
  RowOutput output;
  std::vector<std::string> warnings;
  RowTimings timings;
};

// Move-only. Not thread-safe: one thread at a time owns the row and its reply.
class Reply {
 public:
  // Called once, on the thread that sends. Must not block and must not throw.
  using Receiver = absl::AnyInvocable<void(absl::StatusOr<RowResult>) &&>;

  explicit Reply(Receiver receiver);
  Reply(Reply&& other) noexcept;
  Reply& operator=(Reply&&) = delete;  // What would become of the one it held?
  ~Reply();

  // Answers the caller. At most one call; the reply is spent afterwards.
  void Send(absl::StatusOr<RowResult> result) &&;

 private:
  Receiver receiver_;  // Null once the reply is sent or moved from.
};

}  // namespace upscaler
