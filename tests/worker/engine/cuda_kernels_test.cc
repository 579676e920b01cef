#include "worker/engine/cuda_kernels.h"

#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(LoadCudaKernelsTest, SaysWhereItHasLooked) {
  const absl::Status status = LoadCudaKernels(std::vector<std::string>{"/no/a.so", "/no/b.so"});

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("/no/a.so"), HasSubstr("/no/b.so")));
}

TEST(LoadCudaKernelsTest, SaysWhyAFileCannotBeLoaded) {
  const test::TemporaryFolder folder;
  const std::string file = folder.path() / "libupscaler_cuda.so";
  std::ofstream(file) << "not a library";

  const absl::Status status = LoadCudaKernels(std::vector<std::string>{file});

  EXPECT_THAT(std::string(status.message()), HasSubstr(file));
}

// Any library will do.
TEST(LoadCudaKernelsTest, TakesTheFirstThatIsThere) {
  EXPECT_THAT(LoadCudaKernels(std::vector<std::string>{"/no/a.so", "libc.so.6", "/no/b.so"}),
              IsOk());
}

}  // namespace
}  // namespace upscaler
