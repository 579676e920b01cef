#include "telemetry/tracer.h"

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/kept_spans.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

constexpr const char* kSampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr const char* kNotSampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

class TracerTest : public ::testing::Test {
 protected:
  static constexpr Span::Time kNow{1'700'000'000s};

  Tracer MakeTracer(double sample_ratio) {
    return Tracer(&spans_, sample_ratio, clock_, [] { return kNow; });
  }

  test::KeptSpans spans_;
  test::FakeClock clock_;
};

TEST_F(TracerTest, ContinuesTheTraceThatARequestComesWith) {
  const auto parent = ParseTraceContext(kSampled, "");

  const SpanContext span = MakeTracer(0).Begin(parent);

  EXPECT_EQ(span.trace_id, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_THAT(span.span_id, MatchesRegex("[0-9a-f]{16}"));
  EXPECT_NE(span.span_id, parent->parent_id());
  EXPECT_TRUE(span.sampled);
}

TEST_F(TracerTest, LeavesItToTheCallerWhetherItsTraceIsRecorded) {
  EXPECT_FALSE(MakeTracer(1).Begin(ParseTraceContext(kNotSampled, "")).sampled);
}

TEST_F(TracerTest, BeginsATraceWhereThereIsNone) {
  const Tracer tracer = MakeTracer(1);

  const SpanContext one = tracer.Begin(std::nullopt);
  const SpanContext other = tracer.Begin(std::nullopt);

  EXPECT_THAT(one.trace_id, MatchesRegex("[0-9a-f]{32}"));
  EXPECT_NE(one.trace_id, other.trace_id);
  EXPECT_TRUE(one.sampled);
}

TEST_F(TracerTest, SamplesAboutTheShareThatItIsTold) {
  const Tracer none = MakeTracer(0);
  const Tracer some = MakeTracer(0.25);

  int sampled = 0;
  for (int i = 0; i < 4000; ++i) {
    EXPECT_FALSE(none.Begin(std::nullopt).sampled);
    sampled += some.Begin(std::nullopt).sampled ? 1 : 0;
  }

  // Ten standard deviations: a test of a fair draw does not fail in a lifetime.
  EXPECT_NEAR(sampled, 1000, 275);
}

TEST_F(TracerTest, HasOperationsWithinASpanSampledAlike) {
  const SpanContext request = MakeTracer(1).Begin(std::nullopt);

  const SpanContext part = Tracer::Within(request);

  EXPECT_EQ(part.trace_id, request.trace_id);
  EXPECT_NE(part.span_id, request.span_id);
  EXPECT_TRUE(part.sampled);
}

TEST_F(TracerTest, PassesOnWhatIsSampled) {
  const Tracer tracer = MakeTracer(1);

  tracer.Record({.name = "not", .context = {.sampled = false}});
  EXPECT_THAT(spans_.spans(), IsEmpty());

  tracer.Record({.name = "yes", .context = {.sampled = true}});
  EXPECT_THAT(spans_.spans(), SizeIs(1));
}

TEST_F(TracerTest, SamplesNothingWithoutASink) {
  const Tracer tracer(nullptr, /*sample_ratio=*/1, clock_, [] { return kNow; });

  EXPECT_FALSE(tracer.Begin(std::nullopt).sampled);
  EXPECT_FALSE(tracer.Begin(ParseTraceContext(kSampled, "")).sampled);
  EXPECT_THAT(tracer.Begin(std::nullopt).trace_id, SizeIs(32));  // For the log.
}

TEST_F(TracerTest, TellsMomentsByPeoplesClocks) {
  EXPECT_EQ(MakeTracer(1).WallTime(clock_.Now() - 3s), kNow - 3s);
}

}  // namespace
}  // namespace upscaler
