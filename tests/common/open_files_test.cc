#include "common/open_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace upscaler {
namespace {

TEST(OpenFilesTest, AreAsManyAsTheSystemAllows) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlim_t most = limit.rlim_max;
  limit.rlim_cur = most / 2;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);

  RaiseOpenFileLimit();

  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, most);
}

}  // namespace
}  // namespace upscaler
