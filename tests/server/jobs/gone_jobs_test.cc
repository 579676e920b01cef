#include "server/jobs/gone_jobs.h"

#include <gtest/gtest.h>

namespace upscaler {
namespace {

TEST(GoneJobsTest, RemembersWhoseJobsWereHere) {
  GoneJobs gone(/*capacity=*/2);

  gone.Add("ann", "1");

  EXPECT_TRUE(gone.Contains("ann", "1"));
  EXPECT_FALSE(gone.Contains("bob", "1"));
  EXPECT_FALSE(gone.Contains("ann", "2"));
}

TEST(GoneJobsTest, ForgetsThoseThatWentFirst) {
  GoneJobs gone(/*capacity=*/2);

  for (const char* id : {"1", "2", "2", "3"}) gone.Add("ann", id);

  EXPECT_FALSE(gone.Contains("ann", "1"));
  EXPECT_TRUE(gone.Contains("ann", "2"));
  EXPECT_TRUE(gone.Contains("ann", "3"));
}

}  // namespace
}  // namespace upscaler
