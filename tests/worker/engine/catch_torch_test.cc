#include "worker/engine/catch_torch.h"

#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>

#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::StatusIs;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(CatchTorchTest, PassesTheResultOn) {
  EXPECT_EQ(CatchTorch([] { return 7; }).value(), 7);
}

TEST(CatchTorchTest, SaysWhatLibTorchSaidWithoutItsBacktrace) {
  const auto status = CatchTorch([]() -> int { TORCH_CHECK(false, "sizes differ"); }).status();

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(std::string(status.message()), HasSubstr("sizes differ"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("frame #")));
}

TEST(CatchTorchTest, TellsWantOfMemoryApart) {
  EXPECT_THAT(CatchTorch([]() -> int { throw std::bad_alloc(); }),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(CatchTorch([] { return at::empty({std::int64_t{1} << 50}); }),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(CatchTorchTest, LetsNothingThrough) {
  EXPECT_THAT(CatchTorch([]() -> int { throw std::runtime_error("odd"); }),
              StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(CatchTorch([]() -> int { throw 7; }), StatusIs(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace upscaler
