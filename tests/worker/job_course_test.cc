#include "worker/job_course.h"

#include <gtest/gtest.h>

namespace upscaler {
namespace {

TEST(JobCourseTest, CountsDecodingAsOneStepMore) {
  JobCourse course(1, {{.steps = 4}}, /*in_bands=*/false);

  const JobProgress half = course.Advance(0, {.steps_done = 2});
  const JobProgress all = course.Advance(0, {.steps_done = 4});

  EXPECT_EQ(half.steps_done, 2);
  EXPECT_EQ(half.total_steps, 4);
  EXPECT_DOUBLE_EQ(half.fraction, 2.0 / 5);
  EXPECT_EQ(half.stage, Stage::kDenoise);
  EXPECT_DOUBLE_EQ(all.fraction, 4.0 / 5);
  EXPECT_EQ(all.stage, Stage::kVaeDecode);
}

TEST(JobCourseTest, AddsUpThePicturesOfARequest) {
  JobCourse course(3, {{.steps = 4}}, /*in_bands=*/false);
  course.Advance(0, {.steps_done = 4});

  const JobProgress progress = course.Advance(2, {.steps_done = 1});

  EXPECT_EQ(progress.steps_done, 5);
  EXPECT_EQ(progress.total_steps, 12);
  EXPECT_DOUBLE_EQ(progress.fraction, 5.0 / 13);
}

TEST(JobCourseTest, NeverGoesBackOnTheWayOfAPictureInTiles) {
  JobCourse course(1, {{.steps = 2, .encoding = 1}, {.steps = 2}}, /*in_bands=*/true);
  double last = 0;
  const auto expect_further = [&last](const JobProgress& progress) {
    EXPECT_GE(progress.fraction, last);
    EXPECT_LT(progress.fraction, 1);
    last = progress.fraction;
  };

  expect_further(course.Advance(0, {.encoding = true, .share = 0.5}));
  expect_further(course.Advance(0, {.steps_done = 0, .share = 0.5}));
  expect_further(course.Advance(0, {.steps_done = 2}));
  course.BeginNextRun(0);
  expect_further(course.Advance(0, {.steps_done = 0}));
  expect_further(course.Advance(0, {.steps_done = 1, .share = 0.25}));
  expect_further(course.Advance(0, {.steps_done = 2}));
  expect_further(course.Decode(0, 0.5));
  expect_further(course.Decode(0, 1));
  EXPECT_GT(last, 0.99);
}

TEST(JobCourseTest, IsNotDecodingBeforeTheLastRun) {
  JobCourse course(1, {{.steps = 2}, {.steps = 2}}, /*in_bands=*/false);

  EXPECT_EQ(course.Advance(0, {.steps_done = 2}).stage, Stage::kDenoise);
  EXPECT_FALSE(course.in_last_run(0));

  course.BeginNextRun(0);

  EXPECT_TRUE(course.in_last_run(0));
  EXPECT_EQ(course.Advance(0, {.steps_done = 0}).steps_done, 2);
  EXPECT_EQ(course.Advance(0, {.steps_done = 2}).stage, Stage::kVaeDecode);
}

}  // namespace
}  // namespace upscaler
