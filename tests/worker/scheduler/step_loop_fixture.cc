#include "tests/worker/scheduler/step_loop_fixture.h"

#include <utility>
#include <variant>

#include <absl/status/statusor.h>
#include <gmock/gmock.h>

#include "tests/support/delay_engine.h"
#include "tests/support/status_matchers.h"

namespace upscaler::test {

StepLoopFixture::StepLoopFixture(std::size_t gaining) {
  script_.pass_time = [this](TimePoint::duration time) { clock_.Advance(time); };
  GainUpTo(gaining);
  MakeLoop();
}

StepLoopFixture::~StepLoopFixture() { EXPECT_THAT(script_.breaches(), ::testing::IsEmpty()); }

void StepLoopFixture::MakeLoop(Batching batching) {
  loop_ = nullptr;  // Before its engine is replaced, as replicas do it.
  loop_ = std::make_unique<StepLoop>(
      parts_, StepLoop::Options{.device = "cpu", .batching = batching},
      std::make_unique<DelayEngine>(script_), [this](EngineCall call) { caller_(call); },
      [this](DecodingTask task) {
        decodings_.push_back(std::move(task));
        if (decodes_at_once_) Decode();
      },
      pulses_);
}

void StepLoopFixture::GainUpTo(std::size_t rows) {
  script_.step = [rows](std::size_t together) {
    return kStep * static_cast<int>((together + rows - 1) / rows);
  };
  for (std::size_t together = 1; together <= kMaxBatch; together *= 2) {
    for (int i = 0; i < 2; ++i) costs_.NoteStep(kKey, together, script_.step(together));
  }
}

void StepLoopFixture::Push(const std::vector<RowMaker::Wish>& wishes) {
  std::vector<Row> rows;
  for (const RowMaker::Wish& wish : wishes) {
    Row row = maker_.Make(wish);
    row.work = kStep * wish.steps * DelayEngine::TilesOf(row.spec) + wish.decoding;
    rows.push_back(std::move(row));
  }
  queue_.Push(std::move(rows));
}

void StepLoopFixture::Run(int steps) {
  for (int i = 0; i < steps; ++i) ASSERT_EQ(loop_->Run(), StepLoop::Outcome::kStepped);
}

void StepLoopFixture::Decode() {
  while (!decodings_.empty()) {
    DecodingTask task = std::move(decodings_.front());
    decodings_.pop_front();
    std::move(task)();
  }
}

void StepLoopFixture::Drain() {
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

void StepLoopFixture::ExpectDone(std::uint64_t seed) {
  ASSERT_THAT(maker_.answers()[seed], ::testing::ElementsAre(IsOk())) << "row " << seed;
  EXPECT_EQ(std::get<Image>(maker_.result(seed)->output),
            DelayEngine::Doubled(RowMaker::PictureOf(seed, kKey.width)))
      << "row " << seed;
}

void StepLoopFixture::ExpectDoneInTiles(std::uint64_t seed, int width) {
  ASSERT_THAT(maker_.answers()[seed], ::testing::ElementsAre(IsOk())) << "row " << seed;
  decodes_at_once_ = true;
  const absl::StatusOr<Image> band =
      std::get<std::unique_ptr<PictureRows>>(maker_.result(seed)->output)->Next();
  ASSERT_THAT(band, IsOk()) << "row " << seed;
  EXPECT_EQ(*band, DelayEngine::Doubled(RowMaker::PictureOf(seed, width))) << "row " << seed;
  decodes_at_once_ = false;
}

void StepLoopFixture::ExpectFailed(std::uint64_t seed, absl::StatusCode code) {
  EXPECT_THAT(maker_.answers()[seed], ::testing::ElementsAre(StatusIs(code))) << "row " << seed;
}

void StepLoopFixture::ExpectNothingLeft() {
  EXPECT_EQ(script_.rows_inside(), 0U);
  EXPECT_EQ(queue_.depth(), 0U);
  EXPECT_EQ(queue_.work_ahead(), TimePoint::duration::zero());
}

}  // namespace upscaler::test
