#include "gateway/job_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/error_details.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using nlohmann::ordered_json;
using test::StatusIs;
using ::testing::IsEmpty;

v1::UpscaleJob QueuedJob() {
  v1::UpscaleJob job;
  job.set_state(v1::UPSCALE_JOB_STATE_QUEUED);
  job.mutable_create_time()->set_seconds(1'790'000'000);
  job.mutable_create_time()->set_nanos(5);
  job.mutable_effective_spec()->set_prompt("a secret");
  job.mutable_effective_spec()->set_image_count(2);
  return job;
}

TEST(JobAnswerTest, SaysNothingOfWhatIsNotKnownYet) {
  const ordered_json json = DescribeJob(QueuedJob(), "p-1", "the-model");

  EXPECT_EQ(json["id"], "p-1");
  EXPECT_EQ(json["status"], "queued");
  EXPECT_EQ(json["created_at"], 1'790'000'000);
  for (const char* unknown : {"ended_at", "expires_at", "input_size", "output_size", "error"}) {
    EXPECT_TRUE(json[unknown].is_null()) << unknown;
  }
  EXPECT_THAT(json["images"], IsEmpty());
  EXPECT_EQ(json["parameters"]["n"], 2);
}

TEST(JobAnswerTest, RepeatsNoPrompt) {
  EXPECT_EQ(DescribeJob(QueuedJob(), "1", "m").dump().find("secret"), std::string::npos);
}

TEST(JobAnswerTest, TellsWhatCameOfIt) {
  v1::UpscaleJob job = QueuedJob();
  job.set_state(v1::UPSCALE_JOB_STATE_SUCCEEDED);
  job.mutable_end_time()->set_seconds(10);
  job.mutable_expire_time()->set_seconds(20);
  job.mutable_input_size()->set_width(3);
  job.mutable_output_size()->set_height(8);
  auto& image = *job.add_images();
  image.set_total_bytes(5);
  image.set_crc32(0xAB);
  image.mutable_image()->set_format(v1::IMAGE_FORMAT_JPEG);
  image.mutable_image()->set_seed(18'446'744'073'709'551'615U);

  const ordered_json json = DescribeJob(job, "p-1", "the-model");

  EXPECT_EQ(json["ended_at"], 10);
  EXPECT_EQ(json["expires_at"], 20);
  EXPECT_EQ(json["input_size"]["width"], 3);
  EXPECT_EQ(json["output_size"]["height"], 8);
  EXPECT_EQ(json["images"][0]["url"], "/v1/jobs/p-1/images/0");
  EXPECT_EQ(json["images"][0]["crc32"], "000000ab");
  EXPECT_EQ(json["images"][0]["output_format"], "jpeg");
  EXPECT_EQ(json["images"][0]["seed"], 18'446'744'073'709'551'615U);
}

TEST(JobAnswerTest, TellsWhyItFailedInRestsWords) {
  v1::UpscaleJob job = QueuedJob();
  job.set_state(v1::UPSCALE_JOB_STATE_FAILED);
  job.mutable_error()->set_code(3);
  job.mutable_error()->set_message("image_count: 11 given; 1 to 10 is allowed");
  job.mutable_error()->set_field("image_count");
  job.mutable_error()->set_reason("INVALID_ARGUMENT");

  const ordered_json error = DescribeJob(job, "1", "m")["error"];

  EXPECT_EQ(error["message"], "n: 11 given; 1 to 10 is allowed");
  EXPECT_EQ(error["param"], "n");
  EXPECT_EQ(error["type"], "invalid_request_error");
}

TEST(JobAnswerTest, KeepsAllThatIsKnownOfAnError) {
  v1::UpscaleJobError error;
  error.set_code(8);
  error.set_reason("OUT_OF_MEMORY");
  error.set_field("image");
  error.mutable_retry_delay()->set_seconds(2);
  error.mutable_retry_delay()->set_nanos(500'000'000);

  const absl::Status status = ErrorOf(error);

  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(ReasonOf(status), "OUT_OF_MEMORY");
  EXPECT_EQ(FieldOf(status), "image");
  EXPECT_EQ(RetryAfterOf(status), std::chrono::milliseconds(2500));
}

TEST(JobAnswerTest, NamesEveryState) {
  for (int state = v1::UpscaleJobState_MIN + 1; state <= v1::UpscaleJobState_MAX; ++state) {
    const auto value = static_cast<v1::UpscaleJobState>(state);
    EXPECT_EQ(StateNamed(StatusName(value)), value);
  }
  EXPECT_EQ(StateNamed("unknown"), v1::UPSCALE_JOB_STATE_UNSPECIFIED);
}

}  // namespace
}  // namespace upscaler
