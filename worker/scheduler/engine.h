// The seam between scheduling and computing.
//
// The step loop above it knows rows, batches and deadlines, and no tensor; what
// is below knows tensors, and no thread. Tests and benchmarks of everything
// above run against an engine without a model, in milliseconds.

#pragma once

#include <span>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "worker/imaging/image.h"
#include "worker/imaging/padding.h"
#include "worker/queue/row.h"

namespace upscaler {

// One replica of a model on one device. Not thread-safe: the replica's thread is
// the only caller. Nothing throws; what goes wrong is in the status.
//
// A row lives in the engine from Admit to Drop. A failure of Admit, Step or
// Finish leaves the row to be dropped, and touches no other row.
class Engine {
 public:
  virtual ~Engine() = default;

  // Takes a row in: reads its prompt, encodes its picture, draws its noise.
  // Returns warnings for the caller. Requires an id that is not in the engine
  // and a picture that keeps the model's side rule.
  virtual absl::StatusOr<std::vector<std::string>> Admit(RowId id, const RowSpec& spec) = 0;

  // Takes the next denoising step of each of `rows` in one forward pass. Answers
  // one status a row, in order. Requires rows of one BatchKey, each with a step
  // left, at least one. A row's result does not depend on its neighbours.
  virtual std::vector<absl::Status> Step(std::span<const RowId> rows) = 0;

  // Decodes a row whose steps are done to pixels: twice the picture's sides.
  virtual absl::StatusOr<Image> Finish(RowId id) = 0;

  // Forgets a row, at any stage. Unknown ids are ignored.
  virtual void Drop(RowId id) = 0;
};

}  // namespace upscaler
