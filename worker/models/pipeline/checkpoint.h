// A model's folder, loaded.

#pragma once

#include <filesystem>
#include <string>

#include <absl/status/statusor.h>
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include "worker/models/clip/clip_text_model.h"
#include "worker/models/sampler/noise_schedule.h"
#include "worker/models/tokenizer/clip_tokenizer.h"
#include "worker/models/unet/unet.h"
#include "worker/models/vae/vae.h"

namespace upscaler {

struct LoadOptions {
  std::string variant;                // Of the weights' files; "" for none.
  at::ScalarType dtype = at::kFloat;  // What the networks compute in; or at::kHalf.
  at::Device device = at::kCPU;
};

// The parts of a latent upscaler. Immutable once loaded; thread-safe.
struct Checkpoint {
  ClipTokenizer tokenizer;
  ClipTextModel text_encoder;
  VaeConfig vae_config;
  Vae vae;
  UnetConfig unet_config;
  Unet unet;
  NoiseSchedule schedule;
  LoadOptions options;
};

// Loads the folder of a StableDiffusionLatentUpscalePipeline as diffusers saves
// it: model_index.json and a folder each for scheduler, text_encoder, tokenizer,
// unet and vae. All sizes come from the folder's own files, and those that must
// agree between the parts are checked.
//
// kFailedPrecondition naming the file and what is wrong with it. Throws what
// LibTorch throws when the device has no room.
absl::StatusOr<Checkpoint> LoadCheckpoint(const std::filesystem::path& folder,
                                          const LoadOptions& options);

}  // namespace upscaler
