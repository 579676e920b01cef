#include "server/service/upload.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;
using ::testing::Optional;

class UploadTest : public ::testing::Test {
 protected:
  absl::Status Start(std::uint64_t total_bytes = 0) {
    v1::UpscaleStreamRequest message;
    message.mutable_start()->set_total_bytes(total_bytes);
    return upload_.Add(std::move(message));
  }

  absl::Status Chunk(std::string data) {
    v1::UpscaleStreamRequest message;
    message.mutable_chunk()->set_data(std::move(data));
    return upload_.Add(std::move(message));
  }

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
  EXPECT_EQ(upload_.TakeInput().bytes, "abcde");
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

}  // namespace
}  // namespace upscaler
