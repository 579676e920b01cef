#include "server/service/upload.h"

#include <optional>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/crc32.h"
#include "common/error_details.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::Optional;

class UploadTest : public ::testing::Test {
 protected:
  static v1::UpscaleStreamRequest StartMessage(std::uint64_t total_bytes) {
    v1::UpscaleStreamRequest message;
    message.mutable_start()->set_total_bytes(total_bytes);
    return message;
  }
  static v1::UpscaleStreamRequest ChunkMessage(std::string data) {
    v1::UpscaleStreamRequest message;
    message.mutable_chunk()->set_data(std::move(data));
    return message;
  }
  absl::Status Start(std::uint64_t total_bytes = 0) {
    return upload_.Add(StartMessage(total_bytes));
  }
  absl::Status Chunk(std::string data) { return upload_.Add(ChunkMessage(std::move(data))); }

  static void ExpectRefused(const absl::Status& status, const std::string& field) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(FieldOf(status), Optional(field));
  }

  UploadBudget budget_{/*bytes=*/4 << 20};
  Upload upload_{/*max_bytes=*/3 << 20, budget_};
};

TEST_F(UploadTest, PutsChunksTogether) {
  ASSERT_THAT(Start(/*total_bytes=*/5), IsOk());
  ASSERT_THAT(Chunk("abc"), IsOk());
  ASSERT_THAT(Chunk("de"), IsOk());

  EXPECT_THAT(upload_.Close(), IsOk());
  EXPECT_EQ(budget_.taken(), 5);
  EXPECT_EQ(upload_.TakeInput().bytes, "abcde");
  EXPECT_EQ(budget_.taken(), 0);
}

TEST_F(UploadTest, WantsTheStartFirstAndOnce) {
  ExpectRefused(upload_.Close(), "start");
  ExpectRefused(Chunk("abc"), "chunk");
  ASSERT_THAT(Start(), IsOk());
  ExpectRefused(Start(), "start");
}

TEST_F(UploadTest, RefusesAnEmptyMessage) { ExpectRefused(upload_.Add({}), "message"); }

TEST_F(UploadTest, ChecksTheSpecBeforeThePictureArrives) {
  v1::UpscaleStreamRequest message;
  message.mutable_start()->mutable_spec()->set_num_inference_steps(0);

  ExpectRefused(upload_.Add(std::move(message)), "num_inference_steps");
}

TEST_F(UploadTest, HoldsTheClientToTheTotalItAnnounced) {
  ASSERT_THAT(Start(/*total_bytes=*/3), IsOk());
  ExpectRefused(Chunk("abcd"), "start.total_bytes");
  ASSERT_THAT(Chunk("ab"), IsOk());
  ExpectRefused(upload_.Close(), "start.total_bytes");
}

TEST_F(UploadTest, RefusesChunksAndTotalsBeyondTheLimits) {
  ExpectRefused(Start(/*total_bytes=*/(3 << 20) + 1), "start.total_bytes");
  ASSERT_THAT(Start(), IsOk());
  ExpectRefused(Chunk(std::string((1 << 20) + 1, 'x')), "chunk.data");
  for (int i = 0; i < 3; ++i) ASSERT_THAT(Chunk(std::string(1 << 20, 'x')), IsOk());
  ExpectRefused(Chunk("x"), "image");
}

TEST_F(UploadTest, ChecksTheChecksumsThatAreGiven) {
  v1::UpscaleStreamRequest start;
  start.mutable_start()->set_crc32(Crc32("abcde"));
  ASSERT_THAT(upload_.Add(start), IsOk());
  v1::UpscaleStreamRequest chunk;
  chunk.mutable_chunk()->set_data("abc");
  chunk.mutable_chunk()->set_crc32(Crc32("abd"));
  ExpectRefused(upload_.Add(chunk), "chunk.crc32");
  chunk.mutable_chunk()->set_crc32(Crc32("abc"));
  ASSERT_THAT(upload_.Add(chunk), IsOk());

  ExpectRefused(upload_.Close(), "start.crc32");
  ASSERT_THAT(Chunk("de"), IsOk());
  EXPECT_THAT(upload_.Close(), IsOk());
}

TEST_F(UploadTest, GetsOnByBytesAndNotByMessages) {
  ASSERT_THAT(Start(), IsOk());
  ASSERT_THAT(Chunk("a"), IsOk());
  EXPECT_FALSE(upload_.GetsOn());
  ASSERT_THAT(Chunk(std::string(64 << 10, 'x')), IsOk());
  EXPECT_TRUE(upload_.GetsOn());
  EXPECT_FALSE(upload_.GetsOn());
}

TEST_F(UploadTest, ChecksWhatIsSaidOfLatentsBeforeTheyArrive) {
  v1::UpscaleStreamRequest message;
  message.mutable_start()->mutable_latents();

  ExpectRefused(upload_.Add(std::move(message)), "latents.data_type");
}

TEST_F(UploadTest, RefusesAnEmptyChunk) {
  ASSERT_THAT(Start(), IsOk());
  ExpectRefused(Chunk(""), "chunk.data");
}

TEST_F(UploadTest, TakesWhatItHoldsFromTheBudgetAndGivesItBack) {
  {
    Upload other(3 << 20, budget_);
    ASSERT_THAT(other.Add(StartMessage(0)), IsOk());
    ASSERT_THAT(other.Add(ChunkMessage(std::string(1 << 20, 'x'))), IsOk());
    ASSERT_THAT(Start(), IsOk());
    for (int i = 0; i < 3; ++i) ASSERT_THAT(Chunk(std::string(1 << 20, 'x')), IsOk());
    EXPECT_EQ(budget_.taken(), 4 << 20);

    const absl::Status full = other.Add(ChunkMessage("x"));

    EXPECT_THAT(full, StatusIs(absl::StatusCode::kResourceExhausted));
    EXPECT_THAT(ReasonOf(full), Optional(std::string("UPLOADS_FULL")));
    EXPECT_NE(RetryAfterOf(full), std::nullopt);
  }
  EXPECT_EQ(budget_.taken(), 3 << 20);
}

}  // namespace
}  // namespace upscaler
