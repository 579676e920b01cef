#include "worker/models/clip/clip_text_config.h"

#include <string>

#include <fmt/format.h>

#include "common/status_macros.h"
#include "worker/models/nn/required_fields.h"

namespace upscaler {
namespace {

// Well above any text encoder of this family (the largest is 1280 wide, with 32
// layers), and low enough that a damaged file cannot ask for absurd memory.
constexpr IntegerRange kVocabulary{.least = 2, .most = 1'000'000};
constexpr IntegerRange kPositions{.least = 2, .most = 1024};
constexpr IntegerRange kWidth{.least = 1, .most = 4096};
constexpr IntegerRange kInnerWidth{.least = 1, .most = 16384};
constexpr IntegerRange kLayers{.least = 1, .most = 64};

ClipActivation ActivationField(JsonFields& fields) {
  const std::string name = fields.String("hidden_act", "quick_gelu");
  if (name == "gelu") return ClipActivation::kGelu;
  if (name != "quick_gelu") {
    fields.Refuse("hidden_act", fmt::format("is '{}', wanted 'quick_gelu' or 'gelu'", name));
  }
  return ClipActivation::kQuickGelu;
}

}  // namespace

absl::StatusOr<ClipTextConfig> ParseClipTextConfig(JsonFields fields) {
  ClipTextConfig config{
      .vocabulary = fields.Integer("vocab_size", kVocabulary),
      .positions = fields.Integer("max_position_embeddings", kPositions),
      .width = fields.Integer("hidden_size", kWidth),
      .inner_width = fields.Integer("intermediate_size", kInnerWidth),
      .layers = fields.Integer("num_hidden_layers", kLayers),
      .heads = fields.Integer("num_attention_heads", kWidth),
      .activation = ActivationField(fields),
      .eps = EpsilonField(fields, "layer_norm_eps", 1e-5),
  };
  if (config.width % config.heads != 0) {
    fields.Refuse("num_attention_heads", fmt::format("is {}, wanted a divisor of the width {}",
                                                     config.heads, config.width));
  }
  UPSCALER_RETURN_IF_ERROR(fields.status());
  return config;
}

}  // namespace upscaler
