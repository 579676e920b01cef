#include "worker/imaging/byte_order.h"

#include <bit>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

namespace upscaler {
namespace {

using namespace std::string_literals;

const std::string kBytes = "\x01\x80\x03\0\0\0\0\xff"s;

TEST(ByteOrderTest, ReadsBothOrders) {
  EXPECT_EQ(NumberAt(kBytes, 0, 2, std::endian::big), 0x180U);
  EXPECT_EQ(NumberAt(kBytes, 1, 2, std::endian::little), 0x380U);
  EXPECT_EQ(NumberAt(kBytes, 0, 8, std::endian::big), 0x1800300000000ffU);
  EXPECT_EQ(NumberAt(kBytes, 0, 8, std::endian::little), 0xff00000000038001U);
}

TEST(ByteOrderTest, ReadsNothingBeyondTheEnd) {
  EXPECT_EQ(NumberAt(kBytes, 7, 1, std::endian::big), 0xffU);
  EXPECT_EQ(NumberAt(kBytes, 7, 2, std::endian::big), 0U);
  EXPECT_EQ(NumberAt(kBytes, 8, 1, std::endian::big), 0U);
  EXPECT_EQ(NumberAt(kBytes, ~std::uint64_t{0}, 2, std::endian::little), 0U);
}

}  // namespace
}  // namespace upscaler
