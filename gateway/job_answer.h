// Jobs as REST clients see them.

#pragma once

#include <cstdint>
#include <string>

#include <absl/status/status.h>
#include <nlohmann/json_fwd.hpp>

#include "gateway/http_message.h"
#include "proto/upscaler/v1/job.pb.h"

namespace upscaler {

// "queued", "running", "succeeded", "failed", "cancelled" or "interrupted".
std::string_view StatusName(v1::UpscaleJobState state);

// The state of that name; unspecified where there is none.
v1::UpscaleJobState StateNamed(std::string_view name);

// Why a job did not succeed, as its watchers hear it.
absl::Status ErrorOf(const v1::UpscaleJobError& error);

// "/v1/jobs/ID"
std::string JobUrl(const std::string& id);

// {"url": ..., "seed": ..., "width": ..., "height": ...} of one of the pictures of job `id`.
nlohmann::ordered_json DescribeJobPicture(const std::string& id,
                                          const v1::UpscaleStreamResponse::ImageHeader& image);

// All that is said of a job, but for its prompts and what its creator calls it. `id` is its
// public one.
nlohmann::ordered_json DescribeJob(const v1::UpscaleJob& job, const std::string& id,
                                   const std::string& model);

// The answer whose body is the job.
HttpResponse JobAnswer(const v1::UpscaleJob& job, const std::string& id, const std::string& model);

}  // namespace upscaler
