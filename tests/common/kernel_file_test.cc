#include "common/kernel_file.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

TEST(KernelFileTest, SaysWhatIsInIt) {
  const test::TemporaryFolder folder;

  EXPECT_EQ(ReadKernelFile(folder.Write("cpu.max", "max 100000\n")), "max 100000\n");
}

TEST(KernelFileTest, SaysNothingWhereThereIsNone) {
  EXPECT_EQ(ReadKernelFile("/nothing/here"), "");
}

}  // namespace
}  // namespace upscaler
