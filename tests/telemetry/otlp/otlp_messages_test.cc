#include "telemetry/otlp/otlp_messages.h"

#include <chrono>
#include <cstdint>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using namespace std::chrono_literals;
namespace otlp = opentelemetry::proto::trace::v1;

class ExportRequestTest : public ::testing::Test {
 protected:
  static otlp::Span Export(const Span& span) {
    return ExportRequest({}, {span}).resource_spans(0).scope_spans(0).spans(0);
  }
};

TEST_F(ExportRequestTest, SaysWhoseSpansTheyAre) {
  const auto request = ExportRequest(
      {.service = "upscaler-server", .version = "1.2.3", .instance = "a"}, {Span(), Span()});

  const auto& attributes = request.resource_spans(0).resource().attributes();
  ASSERT_EQ(attributes.size(), 3);
  EXPECT_EQ(attributes[0].key(), "service.name");
  EXPECT_EQ(attributes[0].value().string_value(), "upscaler-server");
  EXPECT_EQ(attributes[1].value().string_value(), "1.2.3");
  EXPECT_EQ(attributes[2].value().string_value(), "a");
  EXPECT_EQ(request.resource_spans(0).scope_spans(0).spans_size(), 2);
}

TEST_F(ExportRequestTest, HasIdsAsBytesAndTimesInNanoseconds) {
  const otlp::Span span = Export({.name = "queue",
                                  .context = {.trace_id = "0af7651916cd43dd8448eb211c80319c",
                                              .span_id = "b7ad6b7169203331",
                                              .sampled = true},
                                  .parent_id = "00f067aa0ba902b7",
                                  .start = Span::Time(1'700'000'000s),
                                  .end = Span::Time(1'700'000'000s + 5us)});

  EXPECT_EQ(span.name(), "queue");
  EXPECT_EQ(span.kind(), otlp::Span::SPAN_KIND_INTERNAL);
  EXPECT_EQ(span.trace_id(), "\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c");
  EXPECT_EQ(span.span_id(), "\xb7\xad\x6b\x71\x69\x20\x33\x31");
  EXPECT_EQ(span.parent_span_id().size(), 8U);
  EXPECT_EQ(span.start_time_unix_nano(), std::uint64_t{1'700'000'000'000'000'000});
  EXPECT_EQ(span.end_time_unix_nano() - span.start_time_unix_nano(), 5000U);
  EXPECT_FALSE(span.has_status());
}

TEST_F(ExportRequestTest, TellsAttributesLinksAndErrors) {
  const otlp::Span span = Export({.name = "Upscale",
                                  .kind = Span::Kind::kServer,
                                  .attributes = {{"text", "words"}, {"number", std::int64_t{7}}},
                                  .links = {{.trace_id = "01", .span_id = "02"}},
                                  .links_left_out = 3,
                                  .error = "the queue is full"});

  EXPECT_EQ(span.kind(), otlp::Span::SPAN_KIND_SERVER);
  EXPECT_TRUE(span.parent_span_id().empty());
  EXPECT_EQ(span.attributes(0).key(), "text");
  EXPECT_EQ(span.attributes(0).value().string_value(), "words");
  EXPECT_EQ(span.attributes(1).value().int_value(), 7);
  ASSERT_EQ(span.links_size(), 1);
  EXPECT_EQ(span.links(0).trace_id(), "\x01");
  EXPECT_EQ(span.links(0).span_id(), "\x02");
  EXPECT_EQ(span.dropped_links_count(), 3U);
  EXPECT_EQ(span.status().code(), otlp::Status::STATUS_CODE_ERROR);
  EXPECT_EQ(span.status().message(), "the queue is full");
}

}  // namespace
}  // namespace upscaler
