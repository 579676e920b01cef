#include "gateway/job_answer.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/image_format.h"
#include "common/error_details.h"
#include "gateway/rest_error.h"
#include "gateway/upscale_answer.h"

namespace upscaler {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::pair<v1::UpscaleJobState, std::string_view> kStatuses[] = {
    {v1::UPSCALE_JOB_STATE_QUEUED, "queued"},
    {v1::UPSCALE_JOB_STATE_RUNNING, "running"},
    {v1::UPSCALE_JOB_STATE_SUCCEEDED, "succeeded"},
    {v1::UPSCALE_JOB_STATE_FAILED, "failed"},
    {v1::UPSCALE_JOB_STATE_CANCELLED, "cancelled"},
    {v1::UPSCALE_JOB_STATE_INTERRUPTED, "interrupted"},
};

// In seconds of Unix time; null where it is not known yet.
Json TimeOf(bool known, const google::protobuf::Timestamp& time) {
  return known ? Json(time.seconds()) : Json(nullptr);
}

Json SizeOf(bool known, const v1::ImageSize& size) {
  return known ? Json{{"width", size.width()}, {"height", size.height()}} : Json(nullptr);
}

}  // namespace

std::string_view StatusName(v1::UpscaleJobState state) {
  const auto* const found =
      std::ranges::find(kStatuses, state, &std::pair<v1::UpscaleJobState, std::string_view>::first);
  return found == std::end(kStatuses) ? "unknown" : found->second;
}

v1::UpscaleJobState StateNamed(std::string_view name) {
  const auto* const found =
      std::ranges::find(kStatuses, name, &std::pair<v1::UpscaleJobState, std::string_view>::second);
  return found == std::end(kStatuses) ? v1::UPSCALE_JOB_STATE_UNSPECIFIED : found->first;
}

absl::Status ErrorOf(const v1::UpscaleJobError& error) {
  // absl and gRPC number their codes alike.
  absl::Status status = WithReason(
      absl::Status(static_cast<absl::StatusCode>(error.code()), error.message()), error.reason());
  if (!error.field().empty()) status = WithField(std::move(status), error.field());
  if (!error.has_retry_delay()) return status;
  return WithRetryAfter(std::move(status),
                        std::chrono::seconds(error.retry_delay().seconds()) +
                            std::chrono::milliseconds(error.retry_delay().nanos() / 1'000'000));
}

std::string JobUrl(const std::string& id) { return "/v1/jobs/" + id; }

Json DescribeJobPicture(const std::string& id,
                        const v1::UpscaleStreamResponse::ImageHeader& image) {
  return {{"url", fmt::format("{}/images/{}", JobUrl(id), image.index())},
          {"seed", image.image().seed()},
          {"width", image.image().size().width()},
          {"height", image.image().size().height()}};
}

Json DescribeJob(const v1::UpscaleJob& job, const std::string& id, const std::string& model) {
  Json images = Json::array();
  for (const auto& image : job.images()) {
    Json picture = {{"index", image.index()}};
    picture.update(DescribeJobPicture(id, image));
    picture["bytes"] = image.total_bytes();
    picture["output_format"] = FormatName(image.image().format());
    picture["crc32"] = fmt::format("{:08x}", image.crc32());
    images.push_back(std::move(picture));
  }
  return {{"id", id},
          {"object", "upscale.job"},
          {"status", StatusName(job.state())},
          {"created_at", job.create_time().seconds()},
          {"ended_at", TimeOf(job.has_end_time(), job.end_time())},
          {"expires_at", TimeOf(job.has_expire_time(), job.expire_time())},
          {"fraction", job.fraction()},
          {"last_sequence", job.last_sequence()},
          {"model", model},
          {"input_size", SizeOf(job.has_input_size(), job.input_size())},
          {"output_size", SizeOf(job.has_output_size(), job.output_size())},
          {"parameters", DescribeParameters(job.effective_spec())},
          {"images", std::move(images)},
          {"error",
           job.has_error() ? DescribeError(ToRestError(ErrorOf(job.error()))) : Json(nullptr)}};
}

HttpResponse JobAnswer(const v1::UpscaleJob& job, const std::string& id, const std::string& model) {
  return {.status = 200,
          .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          .body = DescribeJob(job, id, model).dump(-1, ' ', false, Json::error_handler_t::replace)};
}

}  // namespace upscaler
