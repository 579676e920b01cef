// A step loop on the test's own thread, in time that stands still but for the engine.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/counting_observer.h"
#include "tests/support/delay_engine.h"
#include "tests/support/fake_clock.h"
#include "tests/support/rows.h"
#include "tests/support/status_matchers.h"
#include "worker/scheduler/step_loop.h"

namespace upscaler::test {

class StepLoopFixture : public ::testing::Test {
 protected:
  static constexpr std::size_t kMaxBatch = 8;
  static constexpr std::chrono::seconds kStep{1};  // A pass over one row.

  explicit StepLoopFixture(std::size_t gaining = 1) {
    script_.pass_time = [this](TimePoint::duration time) { clock_.Advance(time); };
    GainUpTo(gaining);
    MakeLoop();
  }

  ~StepLoopFixture() override { EXPECT_THAT(script_.breaches(), ::testing::IsEmpty()); }

  // Gives the loop an engine as good as new.
  void MakeLoop(Batching batching = Batching::kFill) {
    loop_ = nullptr;  // Before its engine is replaced, as replicas do it.
    loop_ = std::make_unique<StepLoop>(
        parts_, StepLoop::Options{.device = "cpu", .batching = batching},
        std::make_unique<DelayEngine>(script_),
        [this](DecodingTask task) {
          decodings_.push_back(std::move(task));
          if (decodes_at_once_) Decode();
        },
        pulses_);
  }

  // Makes so many rows a step as fast as one, and more rows gain nothing; measured, for the
  // pictures that Push makes. Never fewer than before: the model remembers the best.
  void GainUpTo(std::size_t rows) {
    script_.step = [rows](std::size_t together) {
      return kStep * static_cast<int>((together + rows - 1) / rows);
    };
    for (std::size_t together = 1; together <= kMaxBatch; together *= 2) {
      for (int i = 0; i < 2; ++i) costs_.NoteStep(kKey, together, script_.step(together));
    }
  }

  // Pushes rows together; each has a second of work a step, or tile of a step, and its
  // decoding.
  void Push(const std::vector<RowMaker::Wish>& wishes) {
    std::vector<Row> rows;
    for (const RowMaker::Wish& wish : wishes) {
      Row row = maker_.Make(wish);
      row.work = kStep * wish.steps * DelayEngine::TilesOf(row.spec) + wish.decoding;
      rows.push_back(std::move(row));
    }
    queue_.Push(std::move(rows));
  }

  // So many steps of the loop.
  void Run(int steps) {
    for (int i = 0; i < steps; ++i) ASSERT_EQ(loop_->Run(), StepLoop::Outcome::kStepped);
  }

  void Decode() {
    while (!decodings_.empty()) {
      DecodingTask task = std::move(decodings_.front());
      decodings_.pop_front();
      std::move(task)();
    }
  }

  // Lets the loop work off all that was pushed, with a new engine for each that breaks.
  void Drain() {
    queue_.Close();
    StepLoop::Outcome outcome = StepLoop::Outcome::kStepped;
    while (outcome != StepLoop::Outcome::kClosed) {
      outcome = loop_->Run();
      if (outcome == StepLoop::Outcome::kBroken) {
        loop_->GiveBack();
        MakeLoop();
      }
    }
    Decode();
  }

  // Expects that the row was answered once, with the picture that it gets alone.
  void ExpectDone(std::uint64_t seed) {
    ASSERT_THAT(maker_.answers()[seed], ::testing::ElementsAre(IsOk())) << "row " << seed;
    EXPECT_EQ(std::get<Image>(maker_.result(seed)->output),
              DelayEngine::Doubled(RowMaker::PictureOf(seed, kKey.width)))
        << "row " << seed;
  }

  // Expects the same of a row that is done in tiles which stand in one band.
  void ExpectDoneInTiles(std::uint64_t seed, int width) {
    ASSERT_THAT(maker_.answers()[seed], ::testing::ElementsAre(IsOk())) << "row " << seed;
    decodes_at_once_ = true;
    const absl::StatusOr<Image> band =
        std::get<std::unique_ptr<PictureRows>>(maker_.result(seed)->output)->Next();
    ASSERT_THAT(band, IsOk()) << "row " << seed;
    EXPECT_EQ(*band, DelayEngine::Doubled(RowMaker::PictureOf(seed, width))) << "row " << seed;
    decodes_at_once_ = false;
  }

  // Expects that the row was answered once, with this error.
  void ExpectFailed(std::uint64_t seed, absl::StatusCode code) {
    EXPECT_THAT(maker_.answers()[seed], ::testing::ElementsAre(StatusIs(code))) << "row " << seed;
  }

  // Expects that nothing is left of any row.
  void ExpectNothingLeft() {
    EXPECT_EQ(script_.rows_inside(), 0U);
    EXPECT_EQ(queue_.depth(), 0U);
    EXPECT_EQ(queue_.work_ahead(), TimePoint::duration::zero());
  }

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
  std::deque<DecodingTask> decodings_;
  bool decodes_at_once_ = false;  // What is added, and what waits before it.
  std::unique_ptr<StepLoop> loop_;
};

}  // namespace upscaler::test
