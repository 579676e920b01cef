#include "worker/engine/torch_model.h"

#include <utility>

#include <c10/core/InferenceMode.h>

#include "common/status_macros.h"
#include "worker/kernels/device/catch_torch.h"
#include "worker/models/pipeline/row_memory.h"

namespace upscaler {
namespace {

// Of the autoencoder that Stable Diffusion 1 and 2 share.
constexpr int kStableDiffusionChannels = 4;
constexpr int kStableDiffusionReduction = 8;
constexpr double kStableDiffusionScale = 0.18215;

}  // namespace

absl::StatusOr<std::shared_ptr<const TorchModel>> TorchModel::Load(const Options& options,
                                                                   const c10::Device& device) {
  const LoadOptions load = {.variant = options.weights_variant,
                            .dtype = options.dtype == "float16" ? at::kHalf : at::kFloat,
                            .device = device};
  absl::StatusOr<absl::StatusOr<Checkpoint>> checkpoint = CatchTorch([&] {
    const c10::InferenceMode inference;
    return LoadCheckpoint(options.folder, load);
  });
  UPSCALER_RETURN_IF_ERROR(checkpoint.status());
  UPSCALER_RETURN_IF_ERROR(checkpoint->status());
  // Not make_shared: the constructor is private.
  return std::shared_ptr<const TorchModel>(
      new TorchModel(**std::move(checkpoint), options.text_cache_bytes));
}

Condition TorchModel::EncodePrompts(const Prompts& prompts) const {
  return upscaler::EncodePrompts(pipeline_.checkpoint(), prompts, text_cache_);
}

SideRule TorchModel::sides() const {
  return {.multiple = static_cast<int>(pipeline_.side_multiple()),
          .minimum = static_cast<int>(pipeline_.minimum_side())};
}

LatentsRule TorchModel::latents() const {
  const VaeConfig& vae = pipeline_.checkpoint().vae_config;
  const auto channels = static_cast<int>(vae.latent_channels);
  const auto reduction = static_cast<int>(vae.reduction());
  // Those of SDXL have the same shape, and another scale.
  return {.channels = channels,
          .reduction = reduction,
          .stable_diffusion = channels == kStableDiffusionChannels &&
                              reduction == kStableDiffusionReduction &&
                              vae.scaling_factor == kStableDiffusionScale};
}

std::int64_t TorchModel::RowBytes(const BatchKey& key) const {
  return PeakRowBytes(pipeline_.checkpoint(),
                      {.width = key.width, .height = key.height, .passes = key.guided ? 2 : 1});
}

}  // namespace upscaler
