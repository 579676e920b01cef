#include "worker/kernels/device/catch_torch.h"

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

TEST(CatchTorchTest, TellsWantOfMemoryInsideNvidiasLibrariesApart) {
  EXPECT_THAT(CatchTorch([]() -> int {
                TORCH_CHECK(false, "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `create`");
              }),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

// What LibTorch throws for an error of CUDA's, by its number there.
int ThrowCudaError(int number) {
  throw c10::AcceleratorError({__func__, __FILE__, __LINE__}, number,
                              "CUDA error: as it happens\nCompile with TORCH_USE_CUDA_DSA");
}

TEST(CatchTorchTest, SaysThatADeviceThatFailedIsOfNoUseAnyMore) {
  constexpr int kUncorrectableEcc = 214;
  constexpr int kIllegalAddress = 700;

  for (const int number : {kUncorrectableEcc, kIllegalAddress}) {
    const auto status = CatchTorch([&] { return ThrowCudaError(number); }).status();

    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable)) << number;
    EXPECT_EQ(status.message(), "CUDA error: as it happens") << number;
  }
}

TEST(CatchTorchTest, TellsADeviceWithoutMemoryFromOneThatFailed) {
  constexpr int kMemoryAllocation = 2;

  EXPECT_THAT(CatchTorch([] { return ThrowCudaError(kMemoryAllocation); }),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(
      CatchTorch([]() -> int { TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory."); }),
      StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(CatchTorchTest, LetsNothingThrough) {
  EXPECT_THAT(CatchTorch([]() -> int { throw std::runtime_error("odd"); }),
              StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(CatchTorch([]() -> int { throw 7; }), StatusIs(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace upscaler
