#include "common/crc32.h"

#include <gtest/gtest.h>

namespace upscaler {
namespace {

TEST(Crc32Test, IsThatOfZlibAndPng) {
  EXPECT_EQ(Crc32(""), 0U);
  EXPECT_EQ(Crc32("123456789"), 0xcbf43926U);  // The standard's own check value.
}

TEST(Crc32Test, GoesOnWhereItLeftOff) {
  EXPECT_EQ(Crc32("56789", Crc32("1234")), Crc32("123456789"));
}

}  // namespace
}  // namespace upscaler
