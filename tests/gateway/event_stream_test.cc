#include "gateway/event_stream.h"

#include <chrono>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/error_details.h"
#include "gateway/keep_alive.h"

namespace upscaler {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;
using ::testing::StartsWith;

json DataOf(const std::string& event) {
  const std::size_t data = event.find("data: ");
  return json::parse(event.substr(data + 6));
}

TEST(EventStreamTest, WritesAnEventAsTheStandardHasIt) {
  const std::string text = EventText("kind", "the-id", 7, {{"line", "a\nb"}});

  EXPECT_THAT(text, StartsWith("event: kind\nid: 7\ndata: {\"type\":\"kind\",\"id\":\"the-id\","));
  EXPECT_EQ(text.find('\n', text.find("data: ")), text.size() - 2);
  EXPECT_TRUE(text.ends_with("\n\n"));
  EXPECT_EQ(DataOf(text)["sequence"], 7);
  EXPECT_EQ(DataOf(text)["line"], "a\nb");
  EXPECT_GT(DataOf(text)["created_at"], 1'700'000'000);
}

TEST(EventStreamTest, TellsThePlaceInTheQueue) {
  v1::UpscaleStreamResponse event;
  event.set_sequence(2);
  event.mutable_queued()->set_position(3);

  EXPECT_TRUE(DataOf(ProgressEvent(event, "id"))["eta_seconds"].is_null());
  event.mutable_queued()->mutable_eta()->set_nanos(500'000'000);

  const json data = DataOf(ProgressEvent(event, "id"));

  EXPECT_EQ(data["type"], "image_upscale.queued");
  EXPECT_EQ(data["queue_position"], 3);
  EXPECT_EQ(data["eta_seconds"], 0.5);
}

TEST(EventStreamTest, TellsTheProgress) {
  v1::UpscaleStreamResponse event;
  v1::UpscaleStreamResponse::Progress& progress = *event.mutable_progress();
  progress.set_step(5);
  progress.set_total_steps(10);
  progress.set_fraction(0.5);
  const struct {
    v1::UpscaleStreamResponse::Phase phase;
    const char* name;
  } phases[] = {{v1::UpscaleStreamResponse::PHASE_ENCODE, "encode"},
                {v1::UpscaleStreamResponse::PHASE_DENOISE, "denoise"},
                {v1::UpscaleStreamResponse::PHASE_DECODE, "decode"}};
  for (const auto& [phase, name] : phases) {
    progress.set_phase(phase);

    const json data = DataOf(ProgressEvent(event, "id"));

    EXPECT_EQ(data["type"], "image_upscale.progress");
    EXPECT_EQ(data["phase"], name);
    EXPECT_EQ(data["step"], 5);
    EXPECT_EQ(data["total_steps"], 10);
    EXPECT_EQ(data["fraction"], 0.5);
  }
}

TEST(EventStreamTest, CarriesPreviews) {
  v1::UpscaleStreamResponse event;
  v1::UpscaleStreamResponse::Preview& preview = *event.mutable_preview();
  preview.set_data("jpeg");
  preview.set_image_index(1);
  preview.set_preview_index(2);
  preview.mutable_size()->set_width(64);
  preview.mutable_size()->set_height(32);

  const json data = DataOf(ProgressEvent(event, "id"));

  EXPECT_EQ(data["type"], "image_upscale.partial_image");
  EXPECT_EQ(data["b64_json"], "anBlZw==");
  EXPECT_EQ(data["partial_image_index"], 2);
  EXPECT_EQ(data["image_index"], 1);
  EXPECT_EQ(data["output_format"], "jpeg");
  EXPECT_EQ(data["size"], "64x32");
}

TEST(EventStreamTest, KeepsSilentAboutTheRest) {
  v1::UpscaleStreamResponse event;
  EXPECT_THAT(ProgressEvent(event, "id"), IsEmpty());
  event.mutable_accepted();
  EXPECT_THAT(ProgressEvent(event, "id"), IsEmpty());
  event.mutable_image_header();
  EXPECT_THAT(ProgressEvent(event, "id"), IsEmpty());
  event.mutable_completed();
  EXPECT_THAT(ProgressEvent(event, "id"), IsEmpty());
}

TEST(EventStreamTest, AnErrorHasItsFourKeys) {
  const json data = DataOf(
      ErrorEvent("id", 9, WithReason(absl::UnavailableError("the server stops"), "DRAINING")));

  EXPECT_EQ(data["type"], "image_upscale.error");
  EXPECT_EQ(data["error"], json({{"message", "the server stops"},
                                 {"type", "server_error"},
                                 {"param", nullptr},
                                 {"code", "draining"}}));
}

TEST(EventStreamTest, LeavesNewsOutWhereMuchWaits) {
  BodyPipe pipe;
  pipe.Write(std::string(4'000'000, 'x'));
  EXPECT_FALSE(IsBehind(pipe));

  pipe.Write(std::string(4'000'000, 'x'));
  EXPECT_TRUE(IsBehind(pipe));
}

TEST(KeepAliveTest, WritesIntoASilentStream) {
  const auto stream = std::make_shared<BodyPipe>();
  KeepAlive keep_alive(std::chrono::milliseconds(1));

  keep_alive.Add(stream);

  while (stream->waiting_bytes() == 0) continue;
  EXPECT_EQ(stream->waiting_bytes(), std::string_view(kKeepAliveEvent).size());
}

}  // namespace
}  // namespace upscaler
