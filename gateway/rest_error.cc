#include "gateway/rest_error.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <absl/strings/ascii.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/error_details.h"

namespace upscaler {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Where the service gives no time: a network's hiccup, or a server's restart.
constexpr milliseconds kDefaultRetryAfter{5'000};

int HttpStatus(const absl::Status& status) {
  // HTTP tells apart what is one code to gRPC.
  const std::string reason = ReasonOf(status).value_or("");
  if (reason == "BODY_TOO_LARGE" || reason == "TOO_MANY_PIXELS" || reason == "TOO_MANY_FRAMES" ||
      reason == "METADATA_TOO_LARGE" || reason == "OUT_OF_MEMORY" || reason == "RESULT_TOO_LARGE") {
    return 413;
  }
  if (reason == "STORAGE_FULL") return 503;
  if (reason == "UNSUPPORTED_MEDIA_TYPE" || reason == "UNSUPPORTED_IMAGE_FORMAT") return 415;
  if (reason == "JOB_GONE" || reason == "JOB_CANCELLED") return 410;
  if (reason == "JOB_NOT_FINISHED") return 409;
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAlreadyExists:
      return 409;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kCancelled:
      return 499;  // Nobody reads it.
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kAborted:  // A job whose server ended: it can be created anew.
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

std::string_view ErrorType(int status) {
  if (status == 401) return "authentication_error";
  if (status == 403) return "permission_error";
  if (status == 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

bool RetryCanHelp(const RestError& error) {
  return error.status == 429 || error.status == 503 || error.status == 504 ||
         error.code == "job_not_finished";
}

// The REST name of a field of the gRPC contract.
std::string RestName(std::string_view field) {
  for (const std::string_view prefix : {"start.", "spec."}) {
    if (field.starts_with(prefix)) field.remove_prefix(prefix.size());
  }
  if (field == "image_count") return "n";
  if (field == "quality") return "output_compression";
  if (field == "resize_to" || field.starts_with("resize_to.")) return "size";
  if (field == "request_id") return "Idempotency-Key";
  if (field == "after_sequence" || field == "page_token") return "after";
  return std::string(field);
}

// A message opens with its field's name, which REST may call otherwise.
std::string RestMessage(std::string message, const std::string& field, const std::string& param) {
  if (message.starts_with(field + ":")) message.replace(0, field.size(), param);
  return message;
}

// The service's reason, unless it only repeats the gRPC code. That the service is away is told by
// a code all the same: within a stream of events there is no status that could tell it.
std::string ErrorCode(const absl::Status& status) {
  const std::string reason = ReasonOf(status).value_or("");
  if (reason == absl::StatusCodeToString(status.code()) && !absl::IsUnavailable(status)) return "";
  return absl::AsciiStrToLower(reason);
}

Json TextOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

// What a client that is still there has to hear of calls that ended without a word of the
// service's about why.
absl::Status Explained(const absl::Status& status) {
  if (ReasonOf(status).has_value()) return status;
  if (absl::IsCancelled(status)) {
    // Nobody but the gateway cancels them, when it ends; clients that went hear nothing.
    return WithReason(absl::UnavailableError("the gateway is stopping"), "DRAINING");
  }
  // gRPC's own words tell addresses.
  if (absl::IsUnavailable(status)) return Unavailable("the service is out of reach");
  if (absl::IsDeadlineExceeded(status)) {
    return WithReason(absl::DeadlineExceededError("the request's time has passed"),
                      "DEADLINE_PASSED");
  }
  return status;
}

}  // namespace

RestError ToRestError(const absl::Status& given) {
  const absl::Status status = Explained(given);
  const std::string field = FieldOf(status).value_or("");
  const std::string param = RestName(field);
  return {.status = HttpStatus(status),
          .message = RestMessage(std::string(status.message()), field, param),
          .param = param,
          .code = ErrorCode(status)};
}

absl::Status Unavailable(std::string_view why) {
  return WithReason(absl::UnavailableError({why.data(), why.size()}), "UNAVAILABLE");
}

absl::Status OutOfMemory() {
  return Unavailable("the server is short of memory for a picture of this size");
}

Json DescribeError(const RestError& error) {
  return {{"message", error.message},
          {"type", ErrorType(error.status)},
          {"param", TextOrNull(error.param)},
          {"code", TextOrNull(error.code)}};
}

HttpResponse ErrorResponse(const RestError& error) {
  const Json body = {{"error", DescribeError(error)}};
  HttpResponse response{.status = error.status,
                        .headers = {{"Content-Type", "application/json"}},
                        .body = body.dump(-1, ' ', false, Json::error_handler_t::replace)};
  if (error.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (!RetryCanHelp(error)) response.headers.emplace_back("x-should-retry", "false");
  return response;
}

HttpResponse ErrorResponse(const absl::Status& status) {
  const RestError error = ToRestError(status);
  HttpResponse response = ErrorResponse(error);
  if (error.status == 429 || error.status == 503) {
    const milliseconds delay = RetryAfterOf(status).value_or(kDefaultRetryAfter);
    const seconds whole = std::max(std::chrono::ceil<seconds>(delay), seconds(1));
    response.headers.emplace_back("Retry-After", fmt::format("{}", whole.count()));
  }
  return response;
}

}  // namespace upscaler
