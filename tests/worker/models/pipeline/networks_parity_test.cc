// The three networks against the reference: each with a checkpoint's weights, on
// the inputs that the reference had, must give what the reference gave.

#include <algorithm>
#include <ostream>
#include <string>

#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/json_fields.h"
#include "tests/support/golden.h"
#include "tests/support/tensor_matchers.h"
#include "worker/models/clip/clip_text_config.h"
#include "worker/models/clip/clip_text_model.h"
#include "worker/models/unet/unet.h"
#include "worker/models/unet/unet_config.h"
#include "worker/models/vae/vae.h"
#include "worker/models/vae/vae_config.h"
#include "worker/models/weights/bind.h"
#include "worker/models/weights/weights.h"

namespace upscaler {
namespace {

using test::Golden;
using test::TensorNear;

// What two correct float32 computations on a CPU may differ by, at values of order 1;
// docs/parity.md has what was measured.
constexpr double kTolerance = 2e-5;

auto IsNear(const at::Tensor& reference) {
  return TensorNear(reference, kTolerance * std::max(1.0, reference.abs().max().item<double>()));
}

struct Case {
  const char* checkpoint;  // From the root of the repository.
  const char* golden;
};

std::ostream& operator<<(std::ostream& out, const Case& parity) { return out << parity.golden; }

constexpr Case kDemoShort{"checkpoints/demo", "demo_coffee_96x64_g1"};
constexpr Case kDemoGuided{"checkpoints/demo", "demo_astronaut_128x96_g8"};
constexpr Case kNarrowUnguided{"tests/data/golden/narrow", "narrow_coffee_96x64_g0"};
constexpr Case kNarrowPlain{"tests/data/golden/narrow", "narrow_astronaut_128x96_g1"};
constexpr Case kNarrowGuided{"tests/data/golden/narrow", "narrow_astronaut_128x96_g8"};

class NetworksParityTest : public ::testing::TestWithParam<Case> {
 protected:
  std::string Folder(const char* component) const {
    return std::string(UPSCALER_SOURCE_DIR "/") + GetParam().checkpoint + "/" + component;
  }

  JsonFields Config(const char* component) const {
    return JsonFields::ReadFile(Folder(component) + "/config.json").value();
  }

  void Bind(const char* component, const char* stem, RenameRule rename,
            torch::nn::Module& module) const {
    const auto weights = OpenWeights(Folder(component), stem, /*variant=*/"").value();
    const absl::Status bound = BindWeights(weights, {.rename = rename}, module);
    ASSERT_TRUE(bound.ok()) << bound;
  }

  c10::InferenceMode inference_;
  const Golden golden_{GetParam().golden};
};

class TextParityTest : public NetworksParityTest {};

TEST_P(TextParityTest, EmbedsPromptAndNegativePrompt) {
  const auto config = ParseClipTextConfig(Config("text_encoder")).value();
  ClipTextModel model(config);
  Bind("text_encoder", "model", TextEncoderName, *model);
  const std::int64_t end_of_text = config.vocabulary - 1;

  for (const std::string prefix : {"text.0.", "text.1."}) {
    if (!golden_.Has(prefix + "input_ids")) continue;
    const auto embedding = model(golden_.Tensor(prefix + "input_ids"), end_of_text);

    EXPECT_THAT(embedding.tokens, IsNear(golden_.Tensor(prefix + "hidden_states_last")));
    EXPECT_THAT(embedding.pooled, IsNear(golden_.Tensor(prefix + "pooler_output")));
  }
}

INSTANTIATE_TEST_SUITE_P(Goldens, TextParityTest,
                         ::testing::Values(kDemoShort, kDemoGuided, kNarrowUnguided, kNarrowPlain,
                                           kNarrowGuided));

TEST_P(NetworksParityTest, EncodesThePicture) {
  Vae vae(ParseVaeConfig(Config("vae")).value());
  Bind("vae", "diffusion_pytorch_model", VaeName, *vae);

  EXPECT_THAT(vae->Encode(golden_.Tensor("vae.pixels")), IsNear(golden_.Tensor("vae.moments")));
}

TEST_P(NetworksParityTest, DecodesTheLatent) {
  Vae vae(ParseVaeConfig(Config("vae")).value());
  Bind("vae", "diffusion_pytorch_model", VaeName, *vae);

  EXPECT_THAT(vae->Decode(golden_.Tensor("vae.decode_input")),
              IsNear(golden_.Tensor("vae.decoded")));
}

TEST_P(NetworksParityTest, DenoisesTheFirstStep) {
  Unet unet(ParseUnetConfig(Config("unet")).value());
  Bind("unet", "diffusion_pytorch_model", KeepName, *unet);
  const auto condition = golden_.Tensor("unet.timestep_cond");
  // The reference has one noise level for all rows.
  const auto c_noise = golden_.Tensor("unet.timestep").expand({condition.size(0)});

  const auto result = unet(golden_.Tensor("unet.sample"), unet->Modulation(c_noise, condition),
                           unet->KeysValues(golden_.Tensor("unet.encoder_hidden_states")));

  EXPECT_THAT(result, IsNear(golden_.Tensor("unet.output")));
}

INSTANTIATE_TEST_SUITE_P(Goldens, NetworksParityTest,
                         ::testing::Values(kDemoShort, kNarrowUnguided, kNarrowPlain,
                                           kNarrowGuided));

}  // namespace
}  // namespace upscaler
