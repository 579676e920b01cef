#include "gateway/byte_range.h"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

namespace upscaler {
namespace {

struct Row {
  const char* header;
  std::uint64_t total_bytes;
  const char* content_range;  // Empty: the whole body.
};

TEST(ByteRangeTest, ReadsOneRange) {
  for (const Row& row : {
           Row{"bytes=0-", 10, "bytes 0-9/10"},
           Row{"bytes=4-", 10, "bytes 4-9/10"},
           Row{"bytes=9-", 10, "bytes 9-9/10"},
           Row{"bytes=0-0", 10, "bytes 0-0/10"},
           Row{"bytes=2-5", 10, "bytes 2-5/10"},
           Row{"bytes=2-99", 10, "bytes 2-9/10"},
           Row{"bytes=2-99999999999999999999999", 10, "bytes 2-9/10"},
           Row{"bytes=-3", 10, "bytes 7-9/10"},
           Row{"bytes=-10", 10, "bytes 0-9/10"},
           Row{"bytes=-99", 10, "bytes 0-9/10"},
           Row{"Bytes=2-5", 10, "bytes 2-5/10"},
       }) {
    EXPECT_EQ(ContentRange(ReadRange(row.header, row.total_bytes), row.total_bytes),
              row.content_range)
        << row.header;
  }
}

TEST(ByteRangeTest, KnowsWhichBytesThereAreNot) {
  for (const Row& row : {
           Row{"bytes=10-", 10, "bytes */10"},
           Row{"bytes=10-12", 10, "bytes */10"},
           Row{"bytes=99999999999999999999999-", 10, "bytes */10"},
           Row{"bytes=-0", 10, "bytes */10"},
           Row{"bytes=0-", 0, "bytes */0"},
           Row{"bytes=-1", 0, "bytes */0"},
       }) {
    EXPECT_EQ(ContentRange(ReadRange(row.header, row.total_bytes), row.total_bytes),
              row.content_range)
        << row.header;
  }
}

TEST(ByteRangeTest, GivesTheWholeWhereItDoesNotUnderstand) {
  for (const char* header :
       {"", "bytes", "bytes=", "bytes=-", "bytes=5", "bytes=5-2", "bytes=a-b", "bytes=1-b",
        "bytes=+1-2", "bytes= 1-2", "bytes=1-2 ", "bytes=--2", "bytes=1-2,4-5", "lines=1-2"}) {
    EXPECT_EQ(ReadRange(header, 10).kind, ByteRange::Kind::kWhole) << header;
  }
}

}  // namespace
}  // namespace upscaler
