#include "common/error_details.h"

#include <charconv>
#include <cstdint>

#include <absl/strings/cord.h>
#include <fmt/format.h>

namespace upscaler {
namespace {

constexpr const char* kField = "upscaler/field";
constexpr const char* kReason = "upscaler/reason";
constexpr const char* kRetryAfter = "upscaler/retry-after-ms";

absl::Cord ToCord(std::string_view text) { return absl::Cord(std::string(text)); }

std::optional<std::string> Payload(const absl::Status& status, const char* key) {
  const auto payload = status.GetPayload(key);
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

}  // namespace

absl::Status InvalidField(std::string_view field, std::string_view message) {
  return WithField(absl::InvalidArgumentError(fmt::format("{}: {}", field, message)), field);
}

absl::Status WithField(absl::Status status, std::string_view field) {
  status.SetPayload(kField, ToCord(field));
  return status;
}

absl::Status WithReason(absl::Status status, std::string_view reason) {
  status.SetPayload(kReason, ToCord(reason));
  return status;
}

absl::Status WithRetryAfter(absl::Status status, std::chrono::milliseconds delay) {
  status.SetPayload(kRetryAfter, ToCord(fmt::format("{}", delay.count())));
  return status;
}

absl::Status DrainingError() {
  // By then a balancer has sent the client elsewhere, or another server has started.
  constexpr std::chrono::seconds kRetryPause{1};
  return WithRetryAfter(
      WithReason(absl::UnavailableError("the server is shutting down"), "DRAINING"), kRetryPause);
}

std::optional<std::string> FieldOf(const absl::Status& status) { return Payload(status, kField); }

std::optional<std::string> ReasonOf(const absl::Status& status) { return Payload(status, kReason); }

std::optional<std::chrono::milliseconds> RetryAfterOf(const absl::Status& status) {
  const auto text = Payload(status, kRetryAfter);
  if (!text.has_value()) return std::nullopt;
  std::int64_t milliseconds = 0;
  std::from_chars(text->data(), text->data() + text->size(), milliseconds);
  return std::chrono::milliseconds(milliseconds);
}

}  // namespace upscaler
