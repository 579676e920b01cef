#include "worker/picture_parameters.h"

#include <string_view>

#include <fmt/format.h>

namespace upscaler {
namespace {

// So many hexadecimal digits are enough to tell models apart, and readers expect no more.
constexpr std::size_t kDigestDigits = 10;

std::string ShortDigest(std::string_view digest) {
  const std::size_t colon = digest.find(':');
  const std::size_t begin = colon == std::string_view::npos ? 0 : colon + 1;
  return std::string(digest.substr(begin, kDigestDigits));
}

}  // namespace

std::string DescribeParameters(const UpscaleTask& task, std::uint64_t seed, PictureSize size,
                               const ServiceFacts& service) {
  if (!task.embed_parameters) return "";
  std::string text = task.prompt + "\n";
  if (!task.negative_prompt.empty()) {
    text += fmt::format("Negative prompt: {}\n", task.negative_prompt);
  }
  text += fmt::format("Steps: {}, Sampler: Euler, CFG scale: {}, Seed: {}, Size: {}x{}", task.steps,
                      task.guidance_scale, seed, size.width, size.height);
  if (const std::string digest = ShortDigest(service.digest); !digest.empty()) {
    text += fmt::format(", Model hash: {}", digest);
  }
  text += fmt::format(", Model: {}, Upscale by: {}, Version: upscaler {}", service.model,
                      task.scale, service.version);
  return text;
}

}  // namespace upscaler
