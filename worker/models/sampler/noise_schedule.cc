#include "worker/models/sampler/noise_schedule.h"

#include <cmath>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>
#include <ATen/ops/cumprod.h>
#include <ATen/ops/linspace.h>
#include <fmt/format.h>

#include "common/status_macros.h"

namespace upscaler {
namespace {

// What the library takes where the configuration is silent.
constexpr std::int64_t kDefaultTrainSteps = 1000;
constexpr double kDefaultBetaStart = 0.0001;
constexpr double kDefaultBetaEnd = 0.02;

// Notes an error unless the field is `wanted` or `also`; absent, it is `otherwise`.
void RequireOneOf(JsonFields& config, const char* name, const std::string& otherwise,
                  std::string_view wanted, std::string_view also) {
  const std::string found = config.String(name, otherwise);
  if (found == wanted || found == also) return;
  const std::string alternatives =
      wanted == also ? fmt::format("'{}'", wanted) : fmt::format("'{}' or '{}'", wanted, also);
  config.Refuse(name, fmt::format("is '{}', wanted {}", found, alternatives));
}

void Require(JsonFields& config, const char* name, const std::string& otherwise,
             std::string_view wanted) {
  RequireOneOf(config, name, otherwise, wanted, wanted);
}

// Every switch that changes the noise levels, or what the UNet's output means.
void RefuseWhatWeDoNotHave(JsonFields& config) {
  Require(config, "_class_name", "EulerDiscreteScheduler", "EulerDiscreteScheduler");
  RequireOneOf(config, "prediction_type", "epsilon", "original_sample", "sample");
  Require(config, "interpolation_type", "linear", "log_linear");
  RequireOneOf(config, "timestep_spacing", "linspace", "linspace", "trailing");
  Require(config, "timestep_type", "discrete", "discrete");
  Require(config, "final_sigmas_type", "zero", "zero");
  for (const char* name : {"use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas",
                           "rescale_betas_zero_snr"}) {
    if (config.Boolean(name, false)) config.Refuse(name, "is true, wanted false");
  }
  for (const char* name : {"trained_betas", "sigma_min", "sigma_max"}) {
    if (config.Has(name)) config.Refuse(name, "is set, wanted null");
  }
}

// How much noise each step of the training added. [S]
at::Tensor ReadBetas(JsonFields& config) {
  constexpr std::int64_t kMaxTrainSteps = 1'000'000;
  const std::int64_t steps = config.Integer(
      "num_train_timesteps", {.least = 1, .most = kMaxTrainSteps}, kDefaultTrainSteps);
  const double start = config.Number("beta_start", kDefaultBetaStart);
  const double end = config.Number("beta_end", kDefaultBetaEnd);
  if (!(start > 0.0 && start < 1.0)) config.Refuse("beta_start", "is not between 0 and 1");
  if (!(end >= start && end < 1.0)) config.Refuse("beta_end", "is not between beta_start and 1");
  RequireOneOf(config, "beta_schedule", "linear", "scaled_linear", "linear");
  if (!config.status().ok()) return {};

  if (config.String("beta_schedule", "linear") == "linear") {
    return at::linspace(start, end, steps, at::kFloat);
  }
  return at::linspace(std::sqrt(start), std::sqrt(end), steps, at::kFloat).square();
}

}  // namespace

std::vector<float> NoiseSchedule::Sigmas(std::int64_t steps) const {
  const at::Tensor sigmas =
      at::linspace(std::log(most), std::log(least), steps + 1, at::kFloat).exp();  // [S]
  const float* first = sigmas.const_data_ptr<float>();
  return {first, first + sigmas.numel()};
}

absl::StatusOr<NoiseSchedule> ParseNoiseSchedule(JsonFields config) {
  RefuseWhatWeDoNotHave(config);
  const at::Tensor betas = ReadBetas(config);
  UPSCALER_RETURN_IF_ERROR(config.status());

  // How much of the picture is left after each step. In float, as the reference.
  const at::Tensor left = at::cumprod(1.0 - betas, /*dim=*/0);  // [S]
  const at::Tensor sigmas = ((1.0 - left) / left).sqrt();       // [S]
  const NoiseSchedule schedule{.most = sigmas[-1].item<float>(), .least = sigmas[0].item<float>()};
  if (!std::isfinite(schedule.most)) {
    config.Refuse("beta_end", "leaves nothing of the picture, wanted a smaller number");
    return config.status();
  }
  return schedule;
}

}  // namespace upscaler
