#include "server/service/download_job.h"

#include <cstddef>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/service/job_service_fixture.h"
#include "tests/support/pictures.h"

namespace upscaler {
namespace {

using test::Chunk;
using test::GradientPng;
using test::NoisePng;
using test::ReasonIn;
using test::Start;
using ::testing::HasSubstr;

using DownloadJobTest = test::JobServiceFixture;

TEST_F(DownloadJobTest, DownloadsFromAnyOffset) {
  const std::string id = CreateWell({Start(), Chunk(NoisePng())});
  ASSERT_TRUE(Watch(id).status.ok());

  const Download whole = Fetch(id);

  ASSERT_TRUE(whole.status.ok()) << whole.status.error_message();
  const std::size_t total = whole.bytes.size();
  ASSERT_GT(total, std::size_t{2} << 16);
  EXPECT_EQ(whole.header.total_bytes(), total);
  for (const std::size_t offset : {std::size_t{1}, std::size_t{65'536}, total - 1, total}) {
    const Download rest = Fetch(id, offset);
    EXPECT_TRUE(rest.status.ok());
    EXPECT_EQ(rest.header.total_bytes(), total);
    EXPECT_EQ(rest.bytes, whole.bytes.substr(offset));
  }
  const Download beyond = Fetch(id, total + 1);
  EXPECT_EQ(beyond.status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_THAT(beyond.status.error_message(), HasSubstr("offset"));
  const Download none = Fetch(id, 0, /*index=*/1);
  EXPECT_EQ(none.status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_THAT(none.status.error_message(), HasSubstr("image_index"));
}

TEST_F(DownloadJobTest, HasNothingToDownloadBeforeTheEnd) {
  script_.HangPass({.seed = 1, .step = 1});
  const std::string id = CreateWell({Start(), Chunk(GradientPng(16, 16))});

  const grpc::Status status = Fetch(id).status;

  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonIn(status), "JOB_NOT_FINISHED");
}

}  // namespace
}  // namespace upscaler
