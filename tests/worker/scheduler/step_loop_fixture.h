// A step loop on the test's own thread, in time that stands still but for the engine.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include <absl/status/status.h>
#include <gtest/gtest.h>

#include "tests/support/counting_observer.h"
#include "tests/support/engine_script.h"
#include "tests/support/fake_clock.h"
#include "tests/support/rows.h"
#include "worker/scheduler/engine_calls.h"
#include "worker/scheduler/step_loop.h"

namespace upscaler::test {

class StepLoopFixture : public ::testing::Test {
 protected:
  static constexpr std::size_t kMaxBatch = 8;
  static constexpr std::chrono::seconds kStep{1};  // A pass over one row.

  explicit StepLoopFixture(std::size_t gaining = 1);
  ~StepLoopFixture() override;

  // Gives the loop an engine as good as new.
  void MakeLoop(Batching batching = Batching::kFill);

  // Makes so many rows a step as fast as one, and more rows gain nothing; measured, for the
  // pictures that Push makes. Never fewer than before: the model remembers the best.
  void GainUpTo(std::size_t rows);

  // Pushes rows together; each has a second of work a step, or tile of a step, and its
  // decoding.
  void Push(const std::vector<RowMaker::Wish>& wishes);

  // So many steps of the loop.
  void Run(int steps);

  void Decode();

  // Lets the loop work off all that was pushed, with a new engine for each that breaks.
  void Drain();

  // Expects that the row was answered once, with the picture that it gets alone.
  void ExpectDone(std::uint64_t seed);

  // Expects the same of a row that is done in tiles which stand in one band.
  void ExpectDoneInTiles(std::uint64_t seed, int width);

  // Expects that the row was answered once, with this error.
  void ExpectFailed(std::uint64_t seed, absl::StatusCode code);

  // Expects that nothing is left of any row.
  void ExpectNothingLeft();

  static constexpr BatchKey kKey = {.width = 2, .height = 1, .guided = false};
  // Of tiles of that key, and how wide so many of them are.
  static constexpr int kTileSide = 2;
  static constexpr int Wide(int tiles) { return tiles * kTileSide; }

  FakeClock clock_;
  RowMaker maker_{clock_};
  CountingObserver observer_;
  EngineScript script_;
  RowQueue queue_{clock_};
  CostModel costs_{kMaxBatch};
  SchedulerParts parts_{queue_, costs_, clock_, observer_};
  Pulses pulses_{clock_};
  EngineCaller caller_ = CallHere;
  std::deque<DecodingTask> decodings_;
  bool decodes_at_once_ = false;  // What is added, and what waits before it.
  std::unique_ptr<StepLoop> loop_;
};

}  // namespace upscaler::test
