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
  double arrival = 0;        // In served virtual time: see SchedulerModel.
  double fair_finish = 0;    // In virtual time.
  bool fails_admit = false;  // It is not taken in.
  int breaks_admit = 0;      // So many engines break as they take it in.
  Place place = Place::kWaiting;
  std::size_t loop = 0;  // That has begun it.
  int steps_done = 0;
  bool began_anew = false;

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
  std::function<std::size_t(const BatchKey&)> cap;
};

// The seeds of the rows that the loop steps next, those first that it takes in first; none
// when it would wait. Rows that have departed are passed over.
std::vector<std::uint64_t> ExpectedBatch(const RowAccounts& rows, const Boundary& boundary);

}  // namespace upscaler::test
