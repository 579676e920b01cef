#include "worker/kernels/device/device.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::StatusIs;
using ::testing::HasSubstr;

TEST(OpenDeviceTest, KnowsTheCpu) { EXPECT_TRUE(OpenDevice("cpu")->is_cpu()); }

TEST(OpenDeviceTest, RefusesOtherDevicesByName) {
  for (const char* name : {"", "tpu", "meta", "cuda:", "cuda:x", "cpu;cuda"}) {
    const absl::Status status = OpenDevice(name).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition)) << name;
    EXPECT_THAT(std::string(status.message()), HasSubstr("cuda:<index>")) << name;
  }
}

TEST(OpenDeviceTest, RefusesAGpuThatIsNotThere) {
  EXPECT_THAT(OpenDevice("cuda:100"), StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace upscaler
