#include "server/service/bearer_key.h"

#include <cstddef>

#include <absl/strings/ascii.h>

namespace upscaler {
namespace {

// In small letters.
constexpr std::string_view kScheme = "bearer";

std::string_view ViewOf(grpc::string_ref text) { return {text.data(), text.size()}; }

std::string_view WithoutBlanks(std::string_view text) {
  const std::size_t start = text.find_first_not_of(' ');
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(' ') - start + 1);
}

bool IsBearer(std::string_view scheme) {
  if (scheme.size() != kScheme.size()) return false;
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    if (absl::ascii_tolower(static_cast<unsigned char>(scheme[i])) != kScheme[i]) return false;
  }
  return true;
}

}  // namespace

std::optional<std::string_view> BearerKeyIn(const CallMetadata& metadata) {
  const auto [first, last] = metadata.equal_range("authorization");
  for (auto header = first; header != last; ++header) {
    const std::string_view value = WithoutBlanks(ViewOf(header->second));
    const std::size_t blank = value.find(' ');
    if (blank != std::string_view::npos && IsBearer(value.substr(0, blank))) {
      return WithoutBlanks(value.substr(blank));
    }
  }
  const auto header = metadata.find("x-api-key");
  if (header == metadata.end()) return std::nullopt;
  return WithoutBlanks(ViewOf(header->second));
}

std::optional<std::string_view> BearerKeyOf(const grpc::CallbackServerContext& call) {
  return BearerKeyIn(call.client_metadata());
}

}  // namespace upscaler
