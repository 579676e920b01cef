// The seam between scheduling and computing.
//
// The step loop above it knows rows, batches and deadlines, and no tensor; what
// is below knows tensors, and no thread. Tests and benchmarks of everything
// above run against an engine without a model, in milliseconds.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/clock.h"
#include "worker/imaging/image.h"
#include "worker/imaging/latents.h"
#include "worker/imaging/padding.h"
#include "worker/queue/reply.h"
#include "worker/queue/row.h"

namespace upscaler {

// What came of taking a row in.
struct Intake {
  std::vector<std::string> warnings;  // For the caller, in words.
  TimePoint::duration text{};         // From prompts to what the UNet asks of them.
  TimePoint::duration vae_encode{};   // From the picture to its latents.
  int text_cache_hits = 0;            // Prompts that were known,
  int text_cache_misses = 0;          // and prompts that were not.
  int tiles = 1;                      // Passes that each of its steps takes.
  int encodings_left = 0;             // Parts of its picture that Encode is still to be called for.
};

// One replica of a model on one device. Not thread-safe, except where it says so: its
// replica makes one call at a time. Nothing throws; what goes wrong is in the status, and
// these mean the same everywhere:
//
//   kResourceExhausted  the device has no memory for it; fewer rows may fit
//   kUnavailable        the engine is of no use any more and has to be replaced
//
// A row lives in the engine from Admit to Finish or Drop.
//
// A row whose spec has a tile_side is done in tiles of that side, which overlap and are
// blended at each step. Each of its steps takes a pass for each tile, in an order that is
// the engine's own, and such passes share forward passes as rows do. A row done as a whole
// is a row of one tile.
class Engine {
 public:
  // What turns a finished row into what it wants, twice the sides of what it brought.
  // Called once, on any thread, also while the engine works on or when it is gone. A
  // picture done in tiles comes as PictureRows, quickly: the work is in their Next. That
  // holds for these, too, but for one thread at a time; their errors mean the same.
  using Decoding = absl::AnyInvocable<absl::StatusOr<RowOutput>() &&>;

  virtual ~Engine() = default;

  // Takes a row in: reads its prompt, encodes its picture if it brings one, draws its
  // noise. A failure leaves nothing of the row. Requires an id that is not in the engine
  // and a picture, or latents of a picture, that keeps the side rule.
  virtual absl::StatusOr<Intake> Admit(RowId id, const RowSpec& spec) = 0;

  // Encodes the next part of a picture of which Admit has left some, and answers how many
  // are left. After a failure the row stays to be dropped. Requires a row with a part left.
  virtual absl::StatusOr<int> Encode(RowId id) = 0;

  // Takes the next denoising step of each of `rows` in one forward pass, or of each the
  // next tile: a row stands there once for each tile that it takes, which are the next
  // ones in order, and it has taken its step with the last. An error means that the pass
  // failed as a whole and that no row has moved. Otherwise there is one status an entry, in
  // order: kInternal for one whose latents are not finite and for all entries of its row
  // from there on; the row stays to be dropped. Requires rows of one BatchKey, at least
  // one, which are encoded, each with a step left and with no fewer tiles left of it than
  // it has entries. A row's result does not depend on its neighbours, nor on how its tiles
  // are spread over passes.
  virtual absl::StatusOr<std::vector<absl::Status>> Step(std::span<const RowId> rows) = 0;

  // What a row looks like after its last step, roughly and cheaply: a picture with the
  // sides of its latents. Requires a row that has taken a step, with no tile of the next,
  // and asks for previews.
  virtual absl::StatusOr<Image> Preview(RowId id) = 0;

  // Takes a row whose steps are done out of the engine.
  virtual Decoding Finish(RowId id) = 0;

  // Forgets a row, at any stage. Unknown ids are ignored.
  virtual void Drop(RowId id) = 0;

  // Whether all that it computes, its decodings too, had better be computed on one thread of
  // its replica's. Finish and Drop, which do not compute, may come from another meanwhile.
  // Thread-safe.
  virtual bool wants_one_thread() const = 0;

  // What the model asks of a picture's sides. Thread-safe.
  virtual SideRule sides() const = 0;

  // What its latents are like. Thread-safe.
  virtual LatentsRule latents() const = 0;

  // Device memory that one row of `key` takes at its peak, beyond the model's own,
  // in bytes: an estimate. Thread-safe.
  virtual std::int64_t RowBytes(const BatchKey& key) const = 0;

  // Device memory that is free at this moment, in bytes; 0 where that cannot be told.
  // Thread-safe.
  virtual std::int64_t FreeBytes() const = 0;
};

// Of a device, in bytes; 0 where it cannot be told.
struct DeviceMemory {
  std::int64_t total = 0;
  std::int64_t free = 0;
};

// Makes engines: the first ones, and new ones for those that broke.
class EngineSource {
 public:
  virtual ~EngineSource() = default;

  // An engine on `device`, a name from the configuration, that has run the whole
  // way of a picture once. Blocks while the model loads. kFailedPrecondition
  // naming what is wrong with the installation; kResourceExhausted when the device
  // has no room. Thread-safe.
  virtual absl::StatusOr<std::unique_ptr<Engine>> Make(std::string_view device) = 0;

  // The memory of a device that engines were made on, at this moment. Waits for one that
  // hangs. Thread-safe.
  virtual DeviceMemory MemoryOf(std::string_view device) const = 0;
};

}  // namespace upscaler
