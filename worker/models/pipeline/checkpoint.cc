#include "worker/models/pipeline/checkpoint.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/json_fields.h"
#include "common/status_macros.h"
#include "worker/models/pipeline/condition.h"
#include "worker/models/weights/bind.h"
#include "worker/models/weights/weights.h"

namespace upscaler {
namespace {

constexpr std::string_view kPipelineClass = "StableDiffusionLatentUpscalePipeline";
constexpr std::string_view kDiffusersStem = "diffusion_pytorch_model";
constexpr std::string_view kTransformersStem = "model";

// A part of the pipeline and the classes that model_index.json may name for it.
struct Part {
  const char* name;
  std::string_view class_name;
  std::string_view also;
};

// The fast tokenizer differs from the other in nothing that is stored.
constexpr std::array<Part, 5> kParts = {{
    {"scheduler", "EulerDiscreteScheduler", ""},
    {"text_encoder", "CLIPTextModel", ""},
    {"tokenizer", "CLIPTokenizer", "CLIPTokenizerFast"},
    {"unet", "UNet2DConditionModel", ""},
    {"vae", "AutoencoderKL", ""},
}};

absl::Status CheckModelIndex(const std::filesystem::path& folder) {
  if (!std::filesystem::is_directory(folder)) {
    return absl::FailedPreconditionError(
        fmt::format("there is no model folder '{}'", folder.string()));
  }
  UPSCALER_ASSIGN_OR_RETURN(JsonFields index, JsonFields::ReadFile(folder / "model_index.json"));
  const std::string pipeline = index.String("_class_name");
  if (pipeline != kPipelineClass) {
    index.Refuse("_class_name", fmt::format("is \"{}\", wanted \"{}\"", pipeline, kPipelineClass));
  }
  for (const Part& part : kParts) {
    const std::vector<std::string> library_and_class = index.Strings(part.name);
    const std::string found = library_and_class.empty() ? "" : library_and_class.back();
    if (found.empty() || (found != part.class_name && found != part.also)) {
      index.Refuse(part.name,
                   fmt::format("is of class \"{}\", wanted \"{}\"", found, part.class_name));
    }
  }
  return index.status();
}

// Makes the module of one part and fills it with the weights in its folder.
template <typename Module, typename Config>
absl::StatusOr<Module> LoadModule(const std::filesystem::path& folder, std::string_view stem,
                                  RenameRule rename, const Config& config,
                                  const LoadOptions& options) {
  UPSCALER_ASSIGN_OR_RETURN(const Weights weights, OpenWeights(folder, stem, options.variant));
  Module module(config);
  UPSCALER_RETURN_IF_ERROR(BindWeights(
      weights, {.rename = rename, .dtype = options.dtype, .device = options.device}, *module));
  module->eval();
  return module;
}

// What two parts must agree on.
struct Agreement {
  std::string_view what;
  std::int64_t found;
  std::int64_t wanted;
};

absl::Status CheckAgreement(const std::filesystem::path& folder, const ClipTextConfig& text,
                            const VaeConfig& vae, const UnetConfig& unet,
                            const ClipTokenizer& tokenizer) {
  const std::vector<Agreement> agreements = {
      {"unet in_channels (twice the vae's latent_channels)", unet.in_channels,
       2 * vae.latent_channels},
      {"unet out_channels (the vae's latent_channels and one more)", unet.out_channels,
       vae.latent_channels + 1},
      {"unet cross_attention_dim (the text encoder's hidden_size)", unet.context_width, text.width},
      {"unet time_cond_proj_dim (the text encoder's hidden_size and 128)",
       unet.time_condition_width, text.width + kNoiseLevelFeatures},
      {"text encoder max_position_embeddings (the tokenizer's model_max_length)", text.positions,
       tokenizer.max_length()},
  };
  for (const Agreement& agreement : agreements) {
    if (agreement.found != agreement.wanted) {
      return absl::FailedPreconditionError(fmt::format("{}: {} is {}, wanted {}", folder.string(),
                                                       agreement.what, agreement.found,
                                                       agreement.wanted));
    }
  }
  if (tokenizer.vocabulary_size() > text.vocabulary) {
    return absl::FailedPreconditionError(
        fmt::format("{}: the tokenizer has {} tokens, the text encoder's vocab_size is {}",
                    folder.string(), tokenizer.vocabulary_size(), text.vocabulary));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Checkpoint> LoadCheckpoint(const std::filesystem::path& folder,
                                          const LoadOptions& options) {
  UPSCALER_RETURN_IF_ERROR(CheckModelIndex(folder));
  const auto read = [&](const char* file) { return JsonFields::ReadFile(folder / file); };

  UPSCALER_ASSIGN_OR_RETURN(JsonFields schedule_json, read("scheduler/scheduler_config.json"));
  UPSCALER_ASSIGN_OR_RETURN(NoiseSchedule schedule, ParseNoiseSchedule(std::move(schedule_json)));
  UPSCALER_ASSIGN_OR_RETURN(ClipTokenizer tokenizer, ClipTokenizer::Load(folder / "tokenizer"));
  UPSCALER_ASSIGN_OR_RETURN(JsonFields text_json, read("text_encoder/config.json"));
  UPSCALER_ASSIGN_OR_RETURN(const ClipTextConfig text_config,
                            ParseClipTextConfig(std::move(text_json)));
  UPSCALER_ASSIGN_OR_RETURN(JsonFields vae_json, read("vae/config.json"));
  UPSCALER_ASSIGN_OR_RETURN(const VaeConfig vae_config, ParseVaeConfig(std::move(vae_json)));
  UPSCALER_ASSIGN_OR_RETURN(JsonFields unet_json, read("unet/config.json"));
  UPSCALER_ASSIGN_OR_RETURN(const UnetConfig unet_config, ParseUnetConfig(std::move(unet_json)));
  UPSCALER_RETURN_IF_ERROR(CheckAgreement(folder, text_config, vae_config, unet_config, tokenizer));

  UPSCALER_ASSIGN_OR_RETURN(ClipTextModel text_encoder,
                            LoadModule<ClipTextModel>(folder / "text_encoder", kTransformersStem,
                                                      TextEncoderName, text_config, options));
  UPSCALER_ASSIGN_OR_RETURN(
      Vae vae, LoadModule<Vae>(folder / "vae", kDiffusersStem, VaeName, vae_config, options));
  UPSCALER_ASSIGN_OR_RETURN(
      Unet unet, LoadModule<Unet>(folder / "unet", kDiffusersStem, KeepName, unet_config, options));
  return Checkpoint{.tokenizer = std::move(tokenizer),
                    .text_encoder = std::move(text_encoder),
                    .vae_config = vae_config,
                    .vae = std::move(vae),
                    .unet_config = unet_config,
                    .unet = std::move(unet),
                    .schedule = std::move(schedule),
                    .options = options};
}

}  // namespace upscaler
