#include "telemetry/request_id.h"

#include <algorithm>

#include <absl/strings/ascii.h>

#include "telemetry/random_digits.h"

namespace upscaler {
namespace {

constexpr std::size_t kMaxLength = 128;

bool IsAllowed(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
}

}  // namespace

std::string MakeRequestId() { return RandomDigits(32); }

bool IsRequestId(std::string_view offered) {
  return !offered.empty() && offered.size() <= kMaxLength &&
         std::all_of(offered.begin(), offered.end(), IsAllowed);
}

std::string RequestIdFrom(std::string_view offered) {
  return IsRequestId(offered) ? std::string(offered) : MakeRequestId();
}

}  // namespace upscaler
