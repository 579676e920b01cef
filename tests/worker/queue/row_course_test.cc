#include "worker/queue/row_course.h"

#include <gtest/gtest.h>

namespace upscaler {
namespace {

TEST(RowCourseTest, ARowDoneAsAWholeTakesAStepWithEachPass) {
  RowCourse course;

  course.Advance(1);

  EXPECT_EQ(course.steps_done, 1);
  EXPECT_EQ(course.tiles_left(), 1);
}

TEST(RowCourseTest, ARowDoneInTilesHasTakenAStepWithTheLastOfThem) {
  RowCourse course = {.tiles = 5};

  course.Advance(3);
  EXPECT_EQ(course.steps_done, 0);
  EXPECT_EQ(course.tiles_left(), 2);
  course.Advance(2);

  EXPECT_EQ(course.steps_done, 1);
  EXPECT_EQ(course.tiles_left(), 5);
}

}  // namespace
}  // namespace upscaler
