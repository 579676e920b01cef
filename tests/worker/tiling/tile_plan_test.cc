#include "worker/tiling/tile_plan.h"

#include <algorithm>
#include <ostream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

// Sums of a few doubles.
constexpr double kTolerance = 1e-12;

struct Case {
  int length;
  int tile;
  int multiple;
};

std::ostream& operator<<(std::ostream& out, const Case& axis) {
  return out << axis.length << " in tiles of " << axis.tile << ", multiples of " << axis.multiple;
}

// Many shapes, the awkward ones among them: tiles of few multiples, and lengths just above
// one, two or three tiles.
std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const int multiple : {1, 8, 32}) {
    for (const int tile : {2, 3, 4, 5, 8, 16, 17}) {
      for (int length = 1; length <= 5 * tile + 3; ++length) {
        cases.push_back({length * multiple, tile * multiple, multiple});
      }
    }
  }
  return cases;
}

TEST(TileAxisTest, CoversTheWholeLengthAndNoMore) {
  for (const Case& shape : Cases()) {
    SCOPED_TRACE(shape);
    const TileAxis axis(shape.length, shape.tile, shape.multiple);

    EXPECT_EQ(axis.start(0), 0);
    EXPECT_EQ(axis.end(axis.count() - 1), shape.length);
    for (int i = 0; i < axis.count(); ++i) EXPECT_EQ(axis.start(i) % shape.multiple, 0);
  }
}

TEST(TileAxisTest, HasPartsThatAddUpToOneEverywhere) {
  for (const Case& shape : Cases()) {
    SCOPED_TRACE(shape);
    const TileAxis axis(shape.length, shape.tile, shape.multiple);

    for (double position = 0.25; position < shape.length; position += 0.5) {
      double sum = 0;
      for (int i = 0; i < axis.count(); ++i) sum += axis.Weight(i, position);
      ASSERT_NEAR(sum, 1, kTolerance) << "at " << position;
    }
  }
}

TEST(TileAxisTest, GivesATileAPartOnlyWhereItIs) {
  for (const Case& shape : Cases()) {
    SCOPED_TRACE(shape);
    const TileAxis axis(shape.length, shape.tile, shape.multiple);

    for (int i = 0; i < axis.count(); ++i) {
      EXPECT_GE(axis.from(i), axis.start(i));
      EXPECT_LE(axis.to(i), axis.end(i));
      for (double position = 0.25; position < shape.length; position += 0.5) {
        const double weight = axis.Weight(i, position);
        ASSERT_GE(weight, -kTolerance) << "tile " << i << " at " << position;
        if (position < axis.from(i) || position > axis.to(i)) {
          ASSERT_NEAR(weight, 0, kTolerance) << "tile " << i << " at " << position;
        }
      }
    }
  }
}

TEST(TileAxisTest, NeverBlendsMoreThanTwoTiles) {
  for (const Case& shape : Cases()) {
    SCOPED_TRACE(shape);
    const TileAxis axis(shape.length, shape.tile, shape.multiple);

    for (int i = 0; i + 2 < axis.count(); ++i) EXPECT_LE(axis.to(i), axis.from(i + 2));
  }
}

TEST(TileAxisTest, IsOneTileWhereThatSuffices) {
  const TileAxis axis(64, 512, 8);

  EXPECT_EQ(axis.count(), 1);
  EXPECT_EQ(axis.tile(), 64);
  EXPECT_EQ(axis.Weight(0, 0.5), 1);
  EXPECT_EQ(axis.Weight(0, 63.5), 1);
}

TEST(TileAxisTest, SpreadsAsFewTilesAsOverlapByAQuarter) {
  const TileAxis axis(1024, 512, 32);

  ASSERT_EQ(axis.count(), 3);
  EXPECT_EQ(axis.start(1), 256);
  // The overlap of 256 has its hand-over of 64 in the middle.
  EXPECT_EQ(axis.from(1), 256 + 96);
  EXPECT_EQ(axis.to(0), 256 + 96 + 64);
}

TEST(TileAxisTest, SpreadsManyTilesOverAMillionPixels) {
  const TileAxis axis(1'000'000, 64, 8);

  ASSERT_GT(axis.count(), 20'000);
  EXPECT_EQ(axis.start(0), 0);
  EXPECT_EQ(axis.end(axis.count() - 1), 1'000'000);
  for (int i = 1; i < axis.count(); ++i) {
    ASSERT_GT(axis.start(i), axis.start(i - 1)) << i;
    ASSERT_LT(axis.start(i), axis.end(i - 1)) << i;
  }
}

TEST(TilePlanTest, NumbersTilesRowByRow) {
  const TilePlan plan(1024, 512, 512, 32);

  EXPECT_EQ(plan.count(), 3);
  EXPECT_EQ(plan.column(2), 2);
  EXPECT_EQ(plan.row(2), 0);
  EXPECT_EQ(TilePlan(512, 1024, 512, 32).row(2), 2);
}

TEST(TilePlanTest, IsOneTileWhereNoSideIsGiven) { EXPECT_EQ(TilePlan(4096, 64, 0, 32).count(), 1); }

}  // namespace
}  // namespace upscaler
