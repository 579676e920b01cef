#include "server/service/outbox.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

using ::testing::ElementsAre;

v1::UpscaleStreamResponse Queued() {
  v1::UpscaleStreamResponse event;
  event.mutable_queued();
  return event;
}

v1::UpscaleStreamResponse Progress(std::uint32_t step) {
  v1::UpscaleStreamResponse event;
  event.mutable_progress()->set_step(step);
  return event;
}

std::vector<v1::UpscaleStreamResponse> TakeAll(Outbox& outbox) {
  std::vector<v1::UpscaleStreamResponse> events;
  while (auto event = outbox.Take()) events.push_back(*std::move(event));
  return events;
}

TEST(OutboxTest, NumbersEventsFromOneWithoutGaps) {
  Outbox outbox;
  outbox.Add(Queued());
  outbox.Add(Progress(1));

  EXPECT_EQ(outbox.Take()->sequence(), 1U);
  EXPECT_EQ(outbox.Take()->sequence(), 2U);
  EXPECT_FALSE(outbox.Take().has_value());
}

TEST(OutboxTest, LetsANewerProgressReplaceOneThatWaits) {
  Outbox outbox;
  outbox.Add(Queued());
  outbox.Add(Progress(1));
  outbox.Add(Progress(2));

  const auto events = TakeAll(outbox);

  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].progress().step(), 2U);
  EXPECT_EQ(events[1].sequence(), 2U);
}

TEST(OutboxTest, CutsPicturesIntoChunksAndEndsWithCompleted) {
  UpscaleOutcome outcome;
  const std::string large(100'000, 'a');
  outcome.pictures.push_back({.encoded = large, .size = {.width = 4, .height = 2}, .seed = 7});
  outcome.pictures.push_back({.encoded = "small", .size = {.width = 4, .height = 2}, .seed = 8});
  outcome.warnings = {"the prompt was cut"};
  Outbox outbox;
  outbox.Add(Progress(1));
  outbox.AddOutcome(std::move(outcome), ImageFormat::kJpeg);

  const auto events = TakeAll(outbox);

  ASSERT_EQ(events.size(), 7U);
  EXPECT_TRUE(events[0].has_progress());
  EXPECT_EQ(events[1].image_header().index(), 0U);
  EXPECT_EQ(events[1].image_header().total_bytes(), large.size());
  EXPECT_EQ(events[1].image_header().image().seed(), 7U);
  EXPECT_EQ(events[1].image_header().image().format(), v1::IMAGE_FORMAT_JPEG);
  EXPECT_EQ(events[2].image_chunk().data() + events[3].image_chunk().data(), large);
  EXPECT_LE(events[2].image_chunk().data().size(), 64U << 10);
  EXPECT_EQ(events[4].image_header().index(), 1U);
  EXPECT_EQ(events[5].image_chunk().data(), "small");
  EXPECT_THAT(events[6].completed().warnings(), ElementsAre("the prompt was cut"));
}

TEST(OutboxTest, KeepsAPreviewWhateverComesAfterIt) {
  Outbox outbox;
  v1::UpscaleStreamResponse preview;
  preview.mutable_preview()->set_step(1);
  outbox.Add(Progress(1));
  outbox.Add(preview);
  outbox.Add(Progress(2));
  outbox.Add(Progress(3));

  const auto events = TakeAll(outbox);

  ASSERT_EQ(events.size(), 3U);
  EXPECT_TRUE(events[1].has_preview());
  EXPECT_EQ(events[2].progress().step(), 3U);
}

TEST(OutboxTest, LetsANewerPlaceInTheQueueReplaceOneThatWaits) {
  Outbox outbox;
  v1::UpscaleStreamResponse second = Queued();
  second.mutable_queued()->set_position(1);
  outbox.Add(Queued());
  outbox.Add(second);

  const auto events = TakeAll(outbox);

  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].queued().position(), 1U);
}

TEST(OutboxTest, DescribesLatentsAndTheirChecksum) {
  UpscaleOutcome outcome;
  outcome.pictures.push_back({.encoded = "numbers",
                              .crc32 = 5,
                              .size = {.width = 16, .height = 8},
                              .seed = 7,
                              .latents = LatentsForm{.height = 1, .width = 2}});
  Outbox outbox;
  outbox.AddOutcome(std::move(outcome), ImageFormat::kPng);

  const auto event = outbox.Take();

  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->image_header().crc32(), 5U);
  const v1::UpscaledImage& image = event->image_header().image();
  EXPECT_EQ(image.format(), v1::IMAGE_FORMAT_UNSPECIFIED);
  EXPECT_EQ(image.latents().family(), v1::LATENTS_FAMILY_SERVED_MODEL);
  EXPECT_EQ(image.latents().data_type(), v1::TENSOR_DATA_TYPE_FLOAT32);
  EXPECT_EQ(image.latents().width(), 2U);
}

}  // namespace
}  // namespace upscaler
