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
  // Seeded with 32 bits from the operating system in each of eight words, and asked itself
  // from then on: opening the system's device for every request costs more than the rest.
  thread_local std::mt19937_64 random = [] {
    std::random_device device;
    std::seed_seq words{device(), device(), device(), device(),
                        device(), device(), device(), device()};
    return std::mt19937_64(words);
  }();
  return fmt::format("{:016x}{:016x}", random(), random());
}

bool IsRequestId(std::string_view offered) {
  return !offered.empty() && offered.size() <= kMaxLength &&
         std::all_of(offered.begin(), offered.end(), IsAllowed);
}

std::string RequestIdFrom(std::string_view offered) {
  return IsRequestId(offered) ? std::string(offered) : MakeRequestId();
}

}  // namespace upscaler
