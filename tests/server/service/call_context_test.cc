#include "server/service/call_context.h"

#include <chrono>
#include <map>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include "common/error_details.h"
#include "tests/support/fake_clock.h"
#include "tests/support/kept_spans.h"
#include "tests/support/null_observer.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class CallContextTest : public ::testing::Test {
 protected:
  // Records a call that began two seconds ago and ends now with `status`.
  void Record(const absl::Status& status) {
    RecordCall(context_, {.method = "Upscale", .request_id = "mine", .start = clock_.Now() - 2s},
               status);
  }

  std::string MetricsText() const {
    return prometheus::TextSerializer().Serialize(metrics_.Collect());
  }

  test::FakeClock clock_;
  test::NullObserver observer_;
  std::ostringstream log_text_;
  Logger logger_{LogForm::kText, log_text_};
  Metrics metrics_{{}, [] { return ServiceLoad(); }, std::chrono::system_clock::now};
  std::atomic<Upscaler*> loading_{nullptr};
  UploadBudget uploads_{0};
  StallWatch stalls_{clock_, 60s};
  AccessControl access_{clock_};
  test::KeptSpans spans_;
  const Tracer tracer_{&spans_, /*sample_ratio=*/1, clock_, std::chrono::system_clock::now};
  const CallContext context_{.upscaler = loading_,
                             .clock = clock_,
                             .metrics = metrics_,
                             .logger = logger_,
                             .tracer = tracer_,
                             .draw_seed = [] { return 0U; },
                             .max_image_bytes = 0,
                             .uploads = uploads_,
                             .stalls = stalls_,
                             .access = access_};
};

TEST_F(CallContextTest, CountsACallAndLogsIt) {
  Record(absl::OkStatus());

  EXPECT_THAT(MetricsText(), HasSubstr("upscaler_requests_total{api=\"grpc\",code=\"OK\"} 1\n"));
  EXPECT_THAT(MetricsText(), HasSubstr("upscaler_request_duration_seconds_sum{api=\"grpc\"} 2\n"));
  EXPECT_THAT(log_text_.str(), HasSubstr("request done request_id=\"mine\""));
}

TEST_F(CallContextTest, LogsTheTraceOfACallThatCameWithOne) {
  Record(absl::OkStatus());
  EXPECT_THAT(log_text_.str(), Not(HasSubstr("trace_id")));

  RecordCall(context_,
             {.method = "Upscale",
              .request_id = "mine",
              .span = {.trace_id = "0af7", .span_id = "b7ad"},
              .start = clock_.Now()},
             absl::OkStatus());
  EXPECT_THAT(log_text_.str(), HasSubstr("trace_id=\"0af7\" span_id=\"b7ad\""));
}

TEST_F(CallContextTest, TracesASampledCall) {
  const CallIdentity call = {.method = "Upscale",
                             .request_id = "mine",
                             .span = {.trace_id = "0af7", .span_id = "b7ad", .sampled = true},
                             .parent_id = "00f0",
                             .api = Metrics::Api::kRest,
                             .start = clock_.Now() - 2s};
  RecordCall(context_, call, absl::ResourceExhaustedError("the queue is full"));

  ASSERT_EQ(spans_.spans().size(), 1U);
  const Span span = spans_.spans().front();
  EXPECT_EQ(span.name, "Upscale");
  EXPECT_EQ(span.kind, Span::Kind::kServer);
  EXPECT_EQ(span.context.span_id, "b7ad");
  EXPECT_EQ(span.parent_id, "00f0");
  EXPECT_EQ(span.end - span.start, 2s);
  EXPECT_EQ(span.error, "the queue is full");
  EXPECT_NE(TraceWork(context_, call), nullptr);
}

TEST_F(CallContextTest, TracesNoStranger) {
  RecordCall(context_,
             {.method = "Upscale",
              .request_id = "mine",
              .span = {.trace_id = "0af7", .span_id = "b7ad", .sampled = true},
              .start = clock_.Now()},
             absl::UnauthenticatedError("no key"));

  EXPECT_THAT(spans_.spans(), IsEmpty());
}

TEST_F(CallContextTest, FollowsNoCallThatIsNotSampled) {
  Record(absl::OkStatus());

  EXPECT_THAT(spans_.spans(), IsEmpty());
  EXPECT_EQ(TraceWork(context_, {.method = "Upscale", .request_id = "mine", .start = clock_.Now()}),
            nullptr);
}

TEST_F(CallContextTest, CountsRefusalsByReason) {
  const struct {
    absl::Status status;
    const char* label;
  } refusals[] = {
      {WithReason(absl::ResourceExhaustedError(""), "QUEUE_FULL"), "full"},
      {WithReason(absl::ResourceExhaustedError(""), "OUT_OF_MEMORY"), "memory"},
      {WithReason(absl::DeadlineExceededError(""), "DEADLINE_PASSED"), "deadline"},
      {WithReason(absl::DeadlineExceededError(""), "DEADLINE_UNREACHABLE"), "deadline"},
      {WithReason(absl::UnavailableError(""), "DRAINING"), "draining"},
      {WithReason(absl::ResourceExhaustedError(""), "RATE_LIMITED"), "quota"},
      {WithReason(absl::ResourceExhaustedError(""), "TOO_MANY_CALLS"), "quota"},
      {absl::InvalidArgumentError(""), "invalid"},
  };
  std::map<std::string, int> expected;
  for (const auto& [status, label] : refusals) {
    Record(status);

    EXPECT_THAT(MetricsText(), HasSubstr("upscaler_rejected_total{reason=\"" + std::string(label) +
                                         "\"} " + std::to_string(++expected[label]) + "\n"));
  }
}

TEST_F(CallContextTest, CountsNoRefusalWhereTheWorkWasBegun) {
  Record(absl::DeadlineExceededError("the deadline has passed"));
  Record(absl::CancelledError("the request was cancelled"));
  Record(WithReason(absl::UnavailableError("no device is left"), "NO_DEVICE"));
  Record(absl::InternalError("a bug"));

  for (const char* reason : {"full", "deadline", "memory", "draining", "invalid"}) {
    EXPECT_THAT(MetricsText(),
                HasSubstr("upscaler_rejected_total{reason=\"" + std::string(reason) + "\"} 0\n"));
  }
}

TEST_F(CallContextTest, LogsWhatIsOurFaultAsAnError) {
  Record(absl::CancelledError("the request was cancelled"));
  EXPECT_THAT(log_text_.str(), Not(HasSubstr(" error ")));

  Record(absl::InternalError("a bug"));
  EXPECT_THAT(log_text_.str(), HasSubstr(" error request failed"));
}

}  // namespace
}  // namespace upscaler
