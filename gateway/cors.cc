#include "gateway/cors.h"

#include <algorithm>
#include <cstddef>

#include <absl/status/status.h>
#include <fmt/format.h>

#include "common/host_port.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

// What a page's script may see of an answer, beside its body.
constexpr const char* kExposedHeaders =
    "Content-Range, ETag, Location, Preference-Applied, Retry-After, Seed, X-Request-Id, "
    "x-should-retry";

// How long a browser may remember the answer to a preflight: a day, of which most take two
// hours.
constexpr const char* kMaxAgeSeconds = "86400";

// Lower case only: browsers send no other, and origins are compared as they are.
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";

bool IsMadeOf(std::string_view text, std::string_view marks) {
  return !text.empty() && std::ranges::all_of(text, [marks](char c) {
    return kLetters.find(c) != std::string_view::npos || marks.find(c) != std::string_view::npos;
  });
}

bool IsHost(std::string_view host) {
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return bracketed ? IsMadeOf(host.substr(1, host.size() - 2), ":.") : IsMadeOf(host, ".-_");
}

// Without a port that goes without saying.
bool IsAuthority(std::string_view scheme, std::string_view authority) {
  if (IsHost(authority)) return true;
  const auto address = ParseHostPort(std::string(authority));
  if (!address.has_value() || !IsHost(address->host)) return false;
  return address->port != 0 && !(scheme == "http" && address->port == 80) &&
         !(scheme == "https" && address->port == 443);
}

absl::Status CheckOrigin(const std::string& origin) {
  const std::size_t colon = origin.find("://");
  if (colon != std::string::npos) {
    const std::string_view scheme = std::string_view(origin).substr(0, colon);
    if (IsMadeOf(scheme, "+-.") &&
        IsAuthority(scheme, std::string_view(origin).substr(colon + 3))) {
      return absl::OkStatus();
    }
  }
  return absl::InvalidArgumentError(fmt::format(
      "'{}' is no origin; wanted scheme://host or scheme://host:port in lower case, without a "
      "path and without the scheme's own port, or * or none alone",
      origin));
}

}  // namespace

absl::StatusOr<Cors> Cors::Parse(const std::vector<std::string>& origins) {
  Cors cors;
  if (origins == std::vector<std::string>{"*"}) return cors;
  cors.any_ = false;
  if (origins == std::vector<std::string>{"none"}) return cors;
  if (origins.empty()) return CheckOrigin("");
  for (const std::string& origin : origins) {
    UPSCALER_RETURN_IF_ERROR(CheckOrigin(origin));
    cors.listed_.insert(origin);
  }
  return cors;
}

HttpHeaders Cors::ForAnswer(const HttpHeaders& request) const {
  HttpHeaders headers;
  if (const std::string origin = AllowedOrigin(request); !origin.empty()) {
    headers = {{"Access-Control-Allow-Origin", origin},
               {"Access-Control-Expose-Headers", kExposedHeaders}};
  }
  // Even without an Origin: a cache must not give that answer to somebody who has one.
  if (!listed_.empty()) headers.emplace_back("Vary", "Origin");
  return headers;
}

HttpHeaders Cors::ForPreflight(const HttpHeaders& request, const std::string& methods) const {
  if (AllowedOrigin(request).empty()) return {};
  // Those asked for by name: "*" does not stand for Authorization.
  const std::string_view asked = FindHeader(request, "access-control-request-headers");
  return {{"Access-Control-Allow-Methods", methods},
          {"Access-Control-Allow-Headers", std::string(asked.empty() ? "*" : asked)},
          {"Access-Control-Max-Age", kMaxAgeSeconds}};
}

std::string Cors::AllowedOrigin(const HttpHeaders& request) const {
  if (any_) return "*";
  const std::string origin(FindHeader(request, "origin"));
  return listed_.contains(origin) ? origin : "";
}

}  // namespace upscaler
