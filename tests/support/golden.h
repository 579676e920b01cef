// What the reference computed, for comparison: tests/data/golden/README.md says
// which tensors there are.
//
//   const Golden golden("demo_coffee_96x64_g1");
//   EXPECT_THAT(embeds, TensorNear(golden.Tensor("text.0.hidden_states_last"), kTolerance));
//
// A test that uses it links upscaler::worker_models_weights.

#pragma once

#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>
#include <absl/status/statusor.h>

#include "worker/models/weights/safetensors.h"

namespace upscaler::test {

// Immutable. What is not there throws, and so fails the test.
class Golden {
 public:
  explicit Golden(std::string_view name)
      : file_(OpenSafetensors(std::string(UPSCALER_SOURCE_DIR "/tests/data/golden/")
                                  .append(name)
                                  .append(".safetensors"))
                  .value()) {}

  bool Has(const std::string& name) const { return file_.tensors.contains(name); }
  const at::Tensor& Tensor(const std::string& name) const { return file_.tensors.at(name); }

  // What the run was asked for: prompt, negative_prompt, steps, guidance_scale
  // and seed.
  const std::string& Setting(const std::string& name) const { return file_.metadata.at(name); }

 private:
  const SafetensorsFile file_;
};

}  // namespace upscaler::test
