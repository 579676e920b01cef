#include "client/cli/standard_streams.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace upscaler {
namespace {

// In a process of its own, which ends with 0 where standard output is held: the next file
// has another number, and nothing can be written.
[[noreturn]] void CloseAndHold() {
  ::close(STDOUT_FILENO);
  HoldStandardStreams();
  const bool held = ::open("/dev/null", O_WRONLY) > STDERR_FILENO;
  ::_exit(held && ::write(STDOUT_FILENO, "x", 1) < 0 ? 0 : 1);
}

TEST(StandardStreamsTest, GivesTheNumberOfAClosedStreamToNoOtherFile) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");

  EXPECT_EXIT(CloseAndHold(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace upscaler
