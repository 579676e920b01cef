#include "telemetry/request_id.h"

#include <algorithm>
#include <random>

#include <absl/strings/ascii.h>
#include <fmt/format.h>

namespace upscaler {
namespace {

constexpr std::size_t kMaxLength = 128;

bool IsAllowed(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
}

}  // namespace

std::string MakeRequestId() {
  std::random_device random;  // 32 bits a call, from the operating system.
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

bool IsRequestId(std::string_view offered) {
  return !offered.empty() && offered.size() <= kMaxLength &&
         std::all_of(offered.begin(), offered.end(), IsAllowed);
}

std::string RequestIdFrom(std::string_view offered) {
  return IsRequestId(offered) ? std::string(offered) : MakeRequestId();
}

}  // namespace upscaler
