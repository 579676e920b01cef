#include "worker/kernels/device/cuda_kernels.h"

#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using test::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(LoadCudaKernelsTest, SaysWhereItHasLooked) {
  const absl::Status status =
      LoadCudaKernels(std::vector<std::string>{"/no/a.so", "/no/b.so"}).status();

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("/no/a.so"), HasSubstr("/no/b.so")));
}

TEST(LoadCudaKernelsTest, SaysWhyAFileCannotBeLoaded) {
  const test::TemporaryFolder folder;
  const std::string file = folder.path() / "libupscaler_cuda.so";
  std::ofstream(file) << "not a library";

  const absl::Status status = LoadCudaKernels(std::vector<std::string>{file}).status();

  EXPECT_THAT(std::string(status.message()), HasSubstr(file));
}

TEST(LoadCudaKernelsTest, TakesNoLibraryWithoutTheRecorderOfGraphs) {
  const absl::Status status = LoadCudaKernels(std::vector<std::string>{"libc.so.6"}).status();

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(status.message()), HasSubstr(kMakeGraphRecorder));
}

}  // namespace
}  // namespace upscaler
