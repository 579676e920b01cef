#include "telemetry/trace_context.h"

#include <string>

#include <gtest/gtest.h>

namespace upscaler {
namespace {

// The standard's own example.
constexpr const char* kGood = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(ParseTraceContextTest, KeepsWhatCameAndKnowsTheTrace) {
  const auto trace = ParseTraceContext(kGood, "vendor=value,other@tenant=1");

  ASSERT_TRUE(trace.has_value());
  EXPECT_EQ(trace->traceparent, kGood);
  EXPECT_EQ(trace->trace_id(), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(trace->parent_id(), "b7ad6b7169203331");
  EXPECT_TRUE(trace->sampled());
  EXPECT_EQ(trace->tracestate, "vendor=value,other@tenant=1");
}

TEST(ParseTraceContextTest, NothingCameNothingIsKnown) {
  EXPECT_FALSE(ParseTraceContext("", "").has_value());
  EXPECT_FALSE(ParseTraceContext("", "vendor=value").has_value());
}

TEST(ParseTraceContextTest, IgnoresWhatIsNotOfVersionZero) {
  for (const std::string bad : {
           "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",   // Of another version.
           "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",   // Of a forbidden one.
           "00-00000000000000000000000000000000-b7ad6b7169203331-01",   // Of no trace.
           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",   // Of no parent.
           "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",   // In upper case.
           "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",   // Not hexadecimal.
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333x-01",   // The same.
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",   // The same.
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-011",  // Too long.
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",    // Too short.
           "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",   // Joined otherwise.
           "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",   // The same.
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331_01",   // The same.
       }) {
    EXPECT_FALSE(ParseTraceContext(bad, "").has_value()) << bad;
  }
}

TEST(ParseTraceContextTest, LeavesOutAStateThatCannotBePassedOn) {
  for (const std::string& bad : {std::string("a=\xc3\xa9"), std::string("a=1\nb"),
                                 std::string(" a=1"), std::string("a=1 "), std::string(513, 'x')}) {
    const auto trace = ParseTraceContext(kGood, bad);

    ASSERT_TRUE(trace.has_value());
    EXPECT_EQ(trace->tracestate, "") << bad;
  }
  EXPECT_EQ(ParseTraceContext(kGood, std::string(512, 'x'))->tracestate.size(), 512U);
}

}  // namespace
}  // namespace upscaler
