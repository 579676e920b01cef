#include "telemetry/random_digits.h"

#include <random>

#include <fmt/format.h>

namespace upscaler {

std::string RandomDigits(std::size_t count) {
  // Seeded with 32 bits from the operating system in each of eight words, and asked itself
  // from then on: opening the system's device for every request costs more than the rest.
  thread_local std::mt19937_64 random = [] {
    std::random_device device;
    std::seed_seq words{device(), device(), device(), device(),
                        device(), device(), device(), device()};
    return std::mt19937_64(words);
  }();
  std::string digits = fmt::format("{:016x}{:016x}", random(), random()).substr(0, count);
  // All zeros mean that there is no id.
  if (digits.find_first_not_of('0') == std::string::npos) digits.back() = '1';
  return digits;
}

}  // namespace upscaler
