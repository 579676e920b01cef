// The upscaler around an engine without a model, with a queue that tests can look into.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <absl/status/statusor.h>
#include <gtest/gtest.h>

#include "tests/support/collecting_listener.h"
#include "tests/support/counting_observer.h"
#include "tests/support/delay_engines.h"
#include "tests/support/engine_script.h"
#include "tests/support/fake_clock.h"
#include "worker/scheduler/replica.h"
#include "worker/upscaler.h"

namespace upscaler::test {

class UpscalerFixture : public ::testing::Test {
 protected:
  static constexpr std::size_t kCapacity = 4;
  static constexpr SideRule kSides = {.multiple = 8, .minimum = 16};
  static constexpr BatchKey kKey = {.width = 16, .height = 16, .guided = false};  // Of Task's.

  UpscalerFixture();
  ~UpscalerFixture() override;

  void StartReplica();

  // Waits until so many rows are in the queue.
  void AwaitDepth(std::size_t rows);

  // As if steps of small pictures had been measured.
  void MeasureStep(TimePoint::duration took);

  UpscaleTask Task(int width, int height);
  static UpscaleTask Task(int width, int height, TimePoint deadline);

  absl::StatusOr<UpscaleOutcome> Run(UpscaleTask task);

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
