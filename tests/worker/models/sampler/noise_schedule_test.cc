#include "worker/models/sampler/noise_schedule.h"

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/golden.h"
#include "tests/support/status_matchers.h"

namespace upscaler::test {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;
using ::testing::Pointwise;

// The published model's configuration with one more field.
absl::StatusOr<NoiseSchedule> Parse(const std::string& name = "steps_offset",
                                    const std::string& value = "0") {
  nlohmann::json config = nlohmann::json::parse(R"({
      "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
      "num_train_timesteps": 1000, "interpolation_type": "log_linear",
      "prediction_type": "original_sample", "trained_betas": null})");
  config[name] = nlohmann::json::parse(value);
  return ParseNoiseSchedule(JsonFields::Parse(config.dump(), "scheduler_config.json").value());
}

TEST(NoiseScheduleTest, FindsTheLevelsOfTheTraining) {
  const auto schedule = Parse();

  ASSERT_THAT(schedule, IsOk());
  EXPECT_FLOAT_EQ(schedule->most, 14.614646911621094F);
  EXPECT_FLOAT_EQ(schedule->least, 0.029167534783482552F);
}

TEST(NoiseScheduleTest, GoesDownInEvenStepsOfTheLogarithm) {
  EXPECT_THAT(
      Parse()->Sigmas(20),
      Pointwise(FloatEq(), {14.6146469F,  10.7101097F,  7.84873104F,   5.75181675F,   4.21512651F,
                            3.08898759F,  2.26371503F,  1.6589272F,    1.21571803F,   0.890919447F,
                            0.652896106F, 0.478464425F, 0.350634933F,  0.256957173F,  0.188306928F,
                            0.137997717F, 0.10112942F,  0.0741110593F, 0.0543111041F, 0.0398010127F,
                            0.0291675366F}));
  EXPECT_THAT(Parse()->Sigmas(1), ElementsAre(FloatEq(14.6146469F), FloatEq(0.0291675366F)));
}

TEST(NoiseScheduleTest, GivesTheReferencesLevels) {
  for (const char* name : {"demo_coffee_96x64_g1", "demo_astronaut_128x96_g8",
                           "narrow_coffee_96x64_g0", "narrow_astronaut_128x96_g1"}) {
    const Golden golden(name);
    const auto config = JsonFields::ReadFile(UPSCALER_SOURCE_DIR
                                             "/checkpoints/demo/scheduler/scheduler_config.json");

    std::vector<float> sigmas =
        ParseNoiseSchedule(*config)->Sigmas(std::stoll(golden.Setting("steps")));
    sigmas.push_back(0.0F);  // The reference appends it, and never gets there.

    const at::Tensor& wanted = golden.Tensor("scheduler.sigmas");
    const std::span levels(wanted.const_data_ptr<float>(),
                           static_cast<std::size_t>(wanted.numel()));
    // Processors differ in the last place of an exponential.
    EXPECT_THAT(sigmas, Pointwise(FloatEq(), levels));
  }
}

TEST(NoiseScheduleTest, TakesASampleByEitherName) {
  EXPECT_THAT(Parse("prediction_type", R"("sample")"), IsOk());
}

TEST(NoiseScheduleTest, TakesALinearScheduleOfBetas) {
  const auto schedule = Parse("beta_schedule", R"("linear")");

  // As the reference computes it from the same numbers.
  ASSERT_THAT(schedule, IsOk());
  EXPECT_FLOAT_EQ(schedule->most, 25.1461163F);
  EXPECT_FLOAT_EQ(schedule->least, 0.0291675329F);
}

TEST(NoiseScheduleTest, RefusesWhatItDoesNotHave) {
  const std::vector<std::pair<std::string, std::string>> fields = {
      {"_class_name", R"("DDIMScheduler")"},
      {"prediction_type", R"("epsilon")"},
      {"prediction_type", "null"},
      {"interpolation_type", R"("linear")"},
      {"interpolation_type", "null"},
      {"beta_schedule", R"("squaredcos_cap_v2")"},
      {"timestep_spacing", R"("leading")"},
      {"timestep_type", R"("continuous")"},
      {"final_sigmas_type", R"("sigma_min")"},
      {"use_karras_sigmas", "true"},
      {"use_exponential_sigmas", "true"},
      {"use_beta_sigmas", "true"},
      {"rescale_betas_zero_snr", "true"},
      {"trained_betas", "[0.1]"},
      {"sigma_min", "0.1"},
      {"sigma_max", "10"},
      {"num_train_timesteps", "0"},
      {"beta_start", "0"},
      {"beta_end", "1"},
      {"beta_end", "0.0001"},
      {"beta_end", R"("0.1")"},
  };
  for (const auto& [name, value] : fields) {
    const auto schedule = Parse(name, value);

    EXPECT_THAT(schedule, StatusIs(absl::StatusCode::kFailedPrecondition)) << name << value;
    EXPECT_THAT(std::string(schedule.status().message()),
                HasSubstr(fmt::format("scheduler_config.json: '{}'", name)));
  }
}

TEST(NoiseScheduleTest, SaysWhatItWants) {
  EXPECT_THAT(std::string(Parse("prediction_type", R"("epsilon")").status().message()),
              HasSubstr("is 'epsilon', wanted 'original_sample' or 'sample'"));
}

TEST(NoiseScheduleTest, RefusesNoiseThatLeavesNothing) {
  const auto schedule = Parse("beta_end", "0.9999");

  EXPECT_THAT(schedule, StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace upscaler::test
