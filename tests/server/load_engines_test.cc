#include "server/load_engines.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <sstream>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/delay_engines.h"
#include "tests/support/engine_script.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::IsOk;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class LoadEnginesTest : public ::testing::Test {
 protected:
  LoadEnginesTest() {
    script_.sides = {.multiple = 8, .minimum = 16};
    script_.pass_time = [this](TimePoint::duration time) { clock_.Advance(time); };
    // Two rows in the time of one, and no more than that.
    script_.step = [](std::size_t rows) { return 5ms * std::max<int>(static_cast<int>(rows), 2); };
  }

  absl::StatusOr<LoadedEngines> Load() { return LoadEngines(settings_, engines_, clock_, logger_); }

  Settings settings_{.devices = {"cpu"}, .warm_up_seconds = 10, .max_input_pixels = 16 * 16};
  test::FakeClock clock_;
  test::EngineScript script_;
  test::DelayEngines engines_{script_};
  std::ostringstream log_text_;
  Logger logger_{LogForm::kText, log_text_};
};

TEST_F(LoadEnginesTest, MakesOneForEachDeviceInOrder) {
  settings_.devices = {"cuda:1", "cpu", "cpu"};

  const absl::StatusOr<LoadedEngines> loaded = Load();

  ASSERT_THAT(loaded, IsOk());
  EXPECT_THAT(loaded->engines, SizeIs(3));
  EXPECT_THAT(engines_.devices(), ElementsAre("cuda:1", "cpu", "cpu"));
  EXPECT_EQ(loaded->sides.multiple, 8);
}

// Where OpenMP has threads for every thread that has computed.
TEST_F(LoadEnginesTest, ComputesOnAThreadThatEnds) {
  script_.pass_time = [this, caller = std::this_thread::get_id()](TimePoint::duration time) {
    EXPECT_NE(std::this_thread::get_id(), caller);
    clock_.Advance(time);
  };

  EXPECT_THAT(Load(), IsOk());
}

TEST_F(LoadEnginesTest, MeasuresHowManyRowsAreWorthAStep) {
  const absl::StatusOr<LoadedEngines> loaded = Load();

  ASSERT_THAT(loaded, IsOk());
  const BatchKey key = {.width = 16, .height = 16, .guided = true};
  EXPECT_EQ(loaded->costs->BatchCap(key), 2U);
  EXPECT_EQ(loaded->costs->StepTime(key, 1), 10ms);
  EXPECT_THAT(log_text_.str(), HasSubstr(R"("16x16":{"batch_cap":2,"step_seconds":0.01})"));
}

TEST_F(LoadEnginesTest, MeasuresADeviceOnce) {
  ASSERT_THAT(Load(), IsOk());
  const std::size_t passes_of_one = script_.TakePasses().size();

  settings_.devices = {"cpu", "cpu", "cpu"};
  ASSERT_THAT(Load(), IsOk());

  EXPECT_EQ(script_.passes().size(), passes_of_one);
}

TEST_F(LoadEnginesTest, NeverMeasuresMoreRowsThanMayShareAStep) {
  settings_.max_batch = 1;

  const absl::StatusOr<LoadedEngines> loaded = Load();

  ASSERT_THAT(loaded, IsOk());
  EXPECT_THAT(script_.passes(), ::testing::Each(SizeIs(1)));
  EXPECT_EQ(loaded->costs->max_batch(), 1U);
}

TEST_F(LoadEnginesTest, SharesADevicesMemoryAmongItsReplicas) {
  script_.row_bytes = 7;
  script_.free_bytes = 9000;
  settings_.devices = {"cuda:0", "cpu", "cpu", "cpu"};

  const absl::StatusOr<LoadedEngines> loaded = Load();

  ASSERT_THAT(loaded, IsOk());
  EXPECT_EQ(loaded->memory.bytes, 3000);
  EXPECT_EQ(loaded->memory.row_bytes({.width = 16, .height = 32}), 7 * 16 * 32);
}

TEST_F(LoadEnginesTest, MeasuresNoBatchThatTheDeviceHasNoMemoryFor) {
  script_.row_bytes = 7;
  script_.free_bytes = 2 * 7 * 16 * 16 - 1;

  ASSERT_THAT(Load(), IsOk());

  EXPECT_THAT(script_.passes(), ::testing::Each(SizeIs(1)));
}

TEST_F(LoadEnginesTest, TakesMemoryAsUnlimitedWhereNobodyKnows) {
  script_.free_bytes = 0;

  const absl::StatusOr<LoadedEngines> loaded = Load();

  ASSERT_THAT(loaded, IsOk());
  EXPECT_EQ(loaded->memory.bytes, std::numeric_limits<std::int64_t>::max());
}

TEST_F(LoadEnginesTest, FailsAsTheDeviceDoes) {
  engines_.FailMake(absl::FailedPreconditionError("there is no such device"));

  EXPECT_THAT(Load(), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(LoadEnginesTest, FailsWhereTheSmallestPictureDoesNotFit) {
  script_.LimitRows(0);

  EXPECT_THAT(Load(), StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace upscaler
