#include "client/response_assembler.h"

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crc32.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;

using Event = v1::UpscaleStreamResponse;

Event Header(std::uint32_t index, std::uint64_t total_bytes, std::uint32_t crc32 = 0) {
  Event event;
  event.mutable_image_header()->set_index(index);
  event.mutable_image_header()->set_total_bytes(total_bytes);
  event.mutable_image_header()->set_crc32(crc32);
  event.mutable_image_header()->mutable_image()->set_seed(index + 100);
  return event;
}

Event Chunk(const std::string& data) {
  Event event;
  event.mutable_image_chunk()->set_data(data);
  return event;
}

Event Completed() {
  Event event;
  event.mutable_completed()->add_warnings("a warning");
  return event;
}

TEST(ResponseAssemblerTest, PutsPicturesTogetherInOrder) {
  ResponseAssembler assembler;

  for (const Event& event :
       {Header(0, 4), Chunk("ab"), Chunk("cd"), Header(1, 1), Chunk("e"), Completed()}) {
    ASSERT_THAT(assembler.Add(event), IsOk());
  }

  const auto response = std::move(assembler).Finish();
  ASSERT_THAT(response, IsOk());
  ASSERT_EQ(response->images_size(), 2);
  EXPECT_EQ(response->images(0).data(), "abcd");
  EXPECT_EQ(response->images(0).seed(), 100U);
  EXPECT_EQ(response->images(1).data(), "e");
  EXPECT_THAT(response->warnings(), ::testing::ElementsAre("a warning"));
}

TEST(ResponseAssemblerTest, TakesAPictureWhoseChecksumFits) {
  ResponseAssembler assembler;

  for (const Event& event : {Header(0, 4, Crc32("abcd")), Chunk("ab"), Chunk("cd"), Completed()}) {
    EXPECT_THAT(assembler.Add(event), IsOk());
  }
}

TEST(ResponseAssemblerTest, HoldsAPictureOnceHoweverManyChunksItComesIn) {
  const std::string chunk(1 << 10, 'x');
  ResponseAssembler assembler;
  ASSERT_THAT(assembler.Add(Header(0, 1000 * chunk.size())), IsOk());

  for (int i = 0; i < 1000; ++i) ASSERT_THAT(assembler.Add(Chunk(chunk)), IsOk());

  ASSERT_THAT(assembler.Add(Completed()), IsOk());
  EXPECT_EQ(std::move(assembler).Finish()->images(0).data().capacity(), 1000 * chunk.size());
}

TEST(ResponseAssemblerTest, SurvivesAHeaderThatAnnouncesMoreThanCanBe) {
  ResponseAssembler assembler;

  EXPECT_THAT(assembler.Add(Header(0, UINT64_MAX)), IsOk());
  EXPECT_THAT(assembler.Add(Completed()), StatusIs(absl::StatusCode::kInternal));
}

TEST(ResponseAssemblerTest, RefusesAPictureThatWasDamaged) {
  ResponseAssembler assembler;
  ASSERT_THAT(assembler.Add(Header(0, 2, Crc32("ab"))), IsOk());
  ASSERT_THAT(assembler.Add(Chunk("aB")), IsOk());

  EXPECT_THAT(assembler.Add(Completed()), StatusIs(absl::StatusCode::kInternal));
}

TEST(ResponseAssemblerTest, RefusesNothingWhereSomethingWasSent) {
  ResponseAssembler assembler;
  ASSERT_THAT(assembler.Add(Header(0, 0, Crc32("ab"))), IsOk());

  EXPECT_THAT(assembler.Add(Completed()), StatusIs(absl::StatusCode::kInternal));
}

TEST(ResponseAssemblerTest, PassesOverEventsThatCarryNoPicture) {
  ResponseAssembler assembler;
  Event accepted;
  accepted.mutable_accepted()->mutable_effective_spec()->set_seed(9);
  Event preview;
  preview.mutable_preview()->set_data("a small picture");

  for (const Event& event : {accepted, preview, Event(), Header(0, 1), Chunk("a"), Completed()}) {
    ASSERT_THAT(assembler.Add(event), IsOk());
  }

  const auto response = std::move(assembler).Finish();
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->effective_spec().seed(), 9U);
  EXPECT_EQ(response->images(0).data(), "a");
}

TEST(ResponseAssemblerTest, RefusesAChunkBeforeAHeader) {
  ResponseAssembler assembler;

  EXPECT_THAT(assembler.Add(Chunk("a")), StatusIs(absl::StatusCode::kInternal));
}

TEST(ResponseAssemblerTest, RefusesMoreBytesThanAnnounced) {
  ResponseAssembler assembler;
  ASSERT_THAT(assembler.Add(Header(0, 2)), IsOk());

  EXPECT_THAT(assembler.Add(Chunk("abc")), StatusIs(absl::StatusCode::kInternal));
}

TEST(ResponseAssemblerTest, RefusesFewerBytesThanAnnounced) {
  ResponseAssembler assembler;
  ASSERT_THAT(assembler.Add(Header(0, 2)), IsOk());
  ASSERT_THAT(assembler.Add(Chunk("a")), IsOk());

  EXPECT_THAT(assembler.Add(Header(1, 2)), StatusIs(absl::StatusCode::kInternal));
}

TEST(ResponseAssemblerTest, RefusesCompletionInTheMiddleOfAPicture) {
  ResponseAssembler assembler;
  ASSERT_THAT(assembler.Add(Header(0, 2)), IsOk());

  EXPECT_THAT(assembler.Add(Completed()), StatusIs(absl::StatusCode::kInternal));
}

TEST(ResponseAssemblerTest, RefusesPicturesOutOfOrder) {
  ResponseAssembler assembler;

  EXPECT_THAT(assembler.Add(Header(1, 2)), StatusIs(absl::StatusCode::kInternal));
}

TEST(ResponseAssemblerTest, RefusesEventsAfterCompletion) {
  ResponseAssembler assembler;
  ASSERT_THAT(assembler.Add(Completed()), IsOk());

  EXPECT_THAT(assembler.Add(Header(0, 2)), StatusIs(absl::StatusCode::kInternal));
}

TEST(ResponseAssemblerTest, HasNoAnswerBeforeCompletion) {
  ResponseAssembler assembler;
  ASSERT_THAT(assembler.Add(Header(0, 0)), IsOk());

  EXPECT_THAT(std::move(assembler).Finish(), StatusIs(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace upscaler
