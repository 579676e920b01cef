#include "server/service/request_trace.h"

#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/kept_spans.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RequestTraceTest : public ::testing::Test {
 protected:
  void Part(int image, WorkPart part) {
    trace_.OnPart(image, part, clock_.Now() - 2s, clock_.Now() - 1s);
  }
  Span Last() const { return spans_.spans().back(); }

  test::KeptSpans spans_;
  test::FakeClock clock_;
  const Tracer tracer_{&spans_, /*sample_ratio=*/0, clock_, std::chrono::system_clock::now};
  const SpanContext request_{
      .trace_id = std::string(32, 'a'), .span_id = std::string(16, 'b'), .sampled = true};
  RequestTrace trace_{tracer_, request_};
};

TEST_F(RequestTraceTest, RecordsPartsWithinTheRequest) {
  Part(3, WorkPart::kQueue);

  EXPECT_EQ(Last().name, "queue");
  EXPECT_EQ(Last().context.trace_id, request_.trace_id);
  EXPECT_NE(Last().context.span_id, request_.span_id);
  EXPECT_EQ(Last().parent_id, request_.span_id);
  EXPECT_EQ(Last().end - Last().start, 1s);
  ASSERT_THAT(Last().attributes, SizeIs(1));
  EXPECT_EQ(std::get<std::int64_t>(Last().attributes[0].value), 3);
  EXPECT_THAT(Last().links, IsEmpty());
}

TEST_F(RequestTraceTest, LinksAPicturesStepsToThoseThatItShared) {
  RequestTrace other(tracer_, request_);
  const std::string first = trace_.NameStep({.rows = 2, .width = 64, .height = 32});
  const Span step = Last();
  trace_.OnStep(0, first);
  other.OnStep(0, first);
  trace_.OnStep(1, trace_.NameStep({.rows = 1}));

  Part(0, WorkPart::kSteps);
  const Span steps = Last();
  other.OnPart(0, WorkPart::kSteps, clock_.Now(), clock_.Now());

  EXPECT_EQ(step.name, "step");
  EXPECT_TRUE(step.parent_id.empty());
  ASSERT_THAT(steps.links, SizeIs(1));
  EXPECT_EQ(steps.links[0].trace_id, step.context.trace_id);
  EXPECT_EQ(steps.links[0].span_id, step.context.span_id);
  EXPECT_EQ(Last().links[0].span_id, step.context.span_id);
}

TEST_F(RequestTraceTest, CountsLinksBeyondTheMost) {
  for (std::size_t i = 0; i < RequestTrace::kMostLinks + 5; ++i) {
    trace_.OnStep(0, trace_.NameStep({}));
  }
  Part(0, WorkPart::kSteps);

  EXPECT_THAT(Last().links, SizeIs(RequestTrace::kMostLinks));
  EXPECT_EQ(Last().links_left_out, 5U);

  Part(0, WorkPart::kSteps);  // Of its second run.
  EXPECT_THAT(Last().links, IsEmpty());
}

TEST_F(RequestTraceTest, GivesEveryPartANameOfItsOwn) {
  std::vector<std::string> names;
  for (const WorkPart part :
       {WorkPart::kDecodePicture, WorkPart::kQueue, WorkPart::kText, WorkPart::kVaeEncode,
        WorkPart::kSteps, WorkPart::kVaeDecode, WorkPart::kEncodePicture}) {
    Part(0, part);
    names.push_back(Last().name);
  }

  EXPECT_THAT(names, ::testing::ElementsAre("decode picture", "queue", "text", "encode", "steps",
                                            "decode", "encode picture"));
}

}  // namespace
}  // namespace upscaler
