#include "tests/worker/upscaler_fixture.h"

#include <chrono>
#include <thread>
#include <utility>

#include <gmock/gmock.h>

#include "tests/support/delay_engine.h"
#include "tests/support/pictures.h"
#include "tests/support/started_vips.h"

namespace upscaler::test {

UpscalerFixture::UpscalerFixture() { StartedVips(); }

UpscalerFixture::~UpscalerFixture() {
  upscaler_.CancelAll();
  upscaler_.AwaitIdle(TimePoint::max());
  queue_.Close();
  replica_ = nullptr;
  EXPECT_EQ(admission_.rows(), 0U);
  EXPECT_EQ(admission_.bytes(), 0);
  EXPECT_THAT(script_.breaches(), ::testing::IsEmpty());
}

void UpscalerFixture::StartReplica() {
  replica_ = std::make_unique<Replica>(parts_, Replica::Options{}, engines_,
                                       std::make_unique<DelayEngine>(script_), [] {});
}

void UpscalerFixture::AwaitDepth(std::size_t rows) {
  while (queue_.depth() < rows) std::this_thread::yield();
}

void UpscalerFixture::MeasureStep(TimePoint::duration took) {
  costs_.NoteStep(kKey, /*rows=*/1, took);
}

UpscaleTask UpscalerFixture::Task(int width, int height) {
  return Task(width, height, clock_.Now() + std::chrono::seconds(10));
}

UpscaleTask UpscalerFixture::Task(int width, int height, TimePoint deadline) {
  return UpscaleTask{.input = GradientPng(width, height),
                     .prompt = "a cat",
                     .negative_prompt = "",
                     .guidance_scale = 1,
                     .steps = 3,
                     .seed = 10,
                     .output = {},
                     .deadline = deadline};
}

absl::StatusOr<UpscaleOutcome> UpscalerFixture::Run(UpscaleTask task) {
  const absl::StatusOr<std::shared_ptr<CancelToken>> job =
      upscaler_.Start(std::move(task), listener_);
  if (!job.ok()) return job.status();
  return listener_->AwaitOutcome();
}

}  // namespace upscaler::test
