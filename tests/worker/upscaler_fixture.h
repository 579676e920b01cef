// The upscaler around an engine without a model, with a queue that tests can look into.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/collecting_listener.h"
#include "tests/support/counting_observer.h"
#include "tests/support/delay_engine.h"
#include "tests/support/delay_engines.h"
#include "tests/support/fake_clock.h"
#include "tests/support/pictures.h"
#include "tests/support/started_vips.h"
#include "worker/scheduler/replica.h"
#include "worker/upscaler.h"

namespace upscaler::test {

class UpscalerFixture : public ::testing::Test {
 protected:
  static constexpr std::size_t kCapacity = 4;
  static constexpr SideRule kSides = {.multiple = 8, .minimum = 16};
  static constexpr BatchKey kKey = {.width = 16, .height = 16, .guided = false};  // Of Task's.

  UpscalerFixture() { StartedVips(); }
  ~UpscalerFixture() override {
    upscaler_.CancelAll();
    upscaler_.AwaitIdle(TimePoint::max());
    queue_.Close();
    replica_ = nullptr;
    EXPECT_EQ(admission_.rows(), 0U);
    EXPECT_EQ(admission_.bytes(), 0);
    EXPECT_THAT(script_.breaches(), ::testing::IsEmpty());
  }

  void StartReplica() {
    replica_ = std::make_unique<Replica>(parts_, Replica::Options{}, engines_,
                                         std::make_unique<DelayEngine>(script_), [] {});
  }

  // Waits until so many rows are in the queue.
  void AwaitDepth(std::size_t rows) {
    while (queue_.depth() < rows) std::this_thread::yield();
  }

  // As if steps of small pictures had been measured.
  void MeasureStep(TimePoint::duration took) { costs_.NoteStep(kKey, /*rows=*/1, took); }

  UpscaleTask Task(int width, int height) {
    return Task(width, height, clock_.Now() + std::chrono::seconds(10));
  }

  static UpscaleTask Task(int width, int height, TimePoint deadline) {
    return UpscaleTask{.input = GradientPng(width, height),
                       .prompt = "a cat",
                       .negative_prompt = "",
                       .guidance_scale = 1,
                       .steps = 3,
                       .seed = 10,
                       .output = {},
                       .deadline = deadline};
  }

  absl::StatusOr<UpscaleOutcome> Run(UpscaleTask task) {
    const absl::StatusOr<std::shared_ptr<CancelToken>> job =
        upscaler_.Start(std::move(task), listener_);
    if (!job.ok()) return job.status();
    return listener_->AwaitOutcome();
  }

  FakeClock clock_;
  CountingObserver observer_;
  EngineScript script_;
  DelayEngines engines_{script_};
  Admission admission_{{.rows = kCapacity, .bytes = 1 << 20}};
  RowQueue queue_{clock_};
  CostModel costs_{/*max_batch=*/2};
  const SchedulerParts parts_{
      .queue = queue_, .costs = costs_, .clock = clock_, .observer = observer_};
  ThreadPool pool_{/*threads=*/2};
  ThreadPool band_pool_{/*threads=*/1};
  std::unique_ptr<Replica> replica_;
  // Of a device that has memory for pictures of 80×80.
  Upscaler upscaler_{{.rules = {.sides = kSides,
                                .limits = {.max_pixels = 10'000},
                                .memory = {.row_bytes =
                                               [](const BatchKey& key) {
                                                 return std::int64_t{key.width} * key.height;
                                               },
                                           .bytes = 80 * 80}}},
                     admission_,
                     parts_,
                     {pool_, band_pool_}};
  std::shared_ptr<CollectingListener> listener_ = std::make_shared<CollectingListener>();
};

}  // namespace upscaler::test
