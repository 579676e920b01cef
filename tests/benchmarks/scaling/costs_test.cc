#include "benchmarks/scaling/costs.h"

#include <chrono>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler::benchmark {
namespace {

using namespace std::chrono_literals;
using test::StatusIs;

class CostsTest : public ::testing::Test {
 protected:
  absl::StatusOr<Costs> Read(const std::string& text) const {
    return ReadCosts(folder_.Write("costs.json", text));
  }

  const test::TemporaryFolder folder_;
};

TEST_F(CostsTest, ReadsWhatWasMeasured) {
  const auto costs = Read(R"({"device": "a device", "start_seconds": 5, "encode_seconds": 0.25,
                              "decode_seconds": 0.5, "step_seconds": {"1": 1, "4": 2.5}})");

  ASSERT_THAT(costs, test::IsOk());
  EXPECT_EQ(costs->device, "a device");
  EXPECT_EQ(costs->start, 5s);
  EXPECT_EQ(costs->encode, 250ms);
  EXPECT_EQ(costs->decode, 500ms);
  EXPECT_EQ(costs->step.size(), 2);
}

TEST_F(CostsTest, StepsBetweenMeasuredOnesAreOnTheLineAndLargerOnesInProportion) {
  const Costs costs{.device = "", .start = std::nullopt, .step = {{1, 1s}, {3, 2s}}};

  EXPECT_EQ(costs.Step(1), 1s);
  EXPECT_EQ(costs.Step(2), 1500ms);
  EXPECT_EQ(costs.Step(3), 2s);
  EXPECT_EQ(costs.Step(9), 6s);
}

TEST_F(CostsTest, RefusesStepsThatCannotBe) {
  const auto with_steps = [&](const std::string& steps) {
    return Read(R"({"device": "", "encode_seconds": 0, "decode_seconds": 0, "step_seconds": )" +
                steps + "}");
  };

  EXPECT_THAT(with_steps(R"({"1": 0})"), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(with_steps(R"({"2": 1})"), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(with_steps(R"({"1": "1"})"), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(with_steps(R"({"one": 1})"), StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace upscaler::benchmark
