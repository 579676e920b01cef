// Which rows a loop should step next, by the policy's words and without its code: what
// SchedulerModel compares with.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "worker/queue/batch_policy.h"
#include "worker/queue/row.h"

namespace upscaler::test {

// What the model knows of a row that is not answered yet.
struct RowAccount {
  enum class Place { kWaiting, kBegun, kDecoding };

  RowSpec spec;
  BatchKey key;
  TimePoint deadline = TimePoint::max();
  TimePoint::duration work{};
  TimePoint::duration decoding{};
  std::shared_ptr<CancelToken> cancel;
  double arrival = 0;           // In served virtual time: see SchedulerModel.
  double fair_finish = 0;       // In virtual time.
  bool fails_admit = false;     // It is not taken in.
  int breaks_admit = 0;         // So many engines break as they take it in.
  int failing_part = 0;         // Of its encoding, this one
  bool fails_encoding = false;  // fails,
  int breaks_encoding = 0;      // or breaks so many engines.
  int tiles = 1;
  int encodings = 0;  // Parts that its picture is encoded in.
  Place place = Place::kWaiting;
  std::size_t loop = 0;        // That has begun it,
  std::uint64_t begun_as = 0;  // and as which of all rows.
  int encodings_left = 0;      // Once it is begun.
  int passes_done = 0;
  bool began_anew = false;

  int steps_done() const { return passes_done / tiles; }
  // Of the step that it is taking.
  int tiles_left() const { return tiles - passes_done % tiles; }
  // The part of `whole` that is left of the passes, rounded down.
  TimePoint::duration Left(TimePoint::duration whole) const {
    return whole * (spec.steps * tiles - passes_done) / (spec.steps * tiles);
  }

  bool IsLive(TimePoint now) const { return !cancel->cancelled() && deadline > now; }
  // Whether `loop` could step it.
  bool IsWithin(std::size_t asked_loop) const {
    return place == Place::kWaiting || (place == Place::kBegun && loop == asked_loop);
  }
};

// By seed, which also orders them by age.
using RowAccounts = std::map<std::uint64_t, RowAccount>;

// A loop at a step boundary.
struct Boundary {
  std::size_t loop = 0;
  Batching batching = Batching::kFill;
  TimePoint now;
  double virtual_time = 0;
  std::size_t most_begun = 0;  // Rows that a loop may have begun at a time.
  std::uint64_t encoded = 0;   // The row of which a part is encoded before the step.
  std::function<std::size_t(const BatchKey&)> cap;
};

// The seeds of the rows that the loop steps next, once for each tile, those first that it
// takes in first; none when it would wait. Rows that have departed are passed over.
std::vector<std::uint64_t> ExpectedBatch(const RowAccounts& rows, const Boundary& boundary);

}  // namespace upscaler::test
