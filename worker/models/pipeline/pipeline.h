// The stages of an upscale: begin, a number of steps, decode.
//
// The order of operations is the reference's (diffusers'
// StableDiffusionLatentUpscalePipeline), so that the same seed gives the same
// picture; what it computes again and again is computed once.

#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "worker/kernels/recorded_calls.h"
#include "worker/models/pipeline/band_decoder.h"
#include "worker/models/pipeline/checkpoint.h"
#include "worker/models/pipeline/condition.h"
#include "worker/models/pipeline/condition_batch.h"
#include "worker/models/pipeline/picture_encoding.h"
#include "worker/models/pipeline/preview.h"
#include "worker/models/pipeline/tiled_latents.h"
#include "worker/models/sampler/noise_source.h"
#include "worker/tiling/tile_plan.h"

namespace upscaler {

// What is wanted of one picture.
struct PipelineRequest {
  // One of the two, on the CPU.
  at::Tensor pixels;        // [H, W, 3] of uint8 or uint16.
  at::Tensor latents = {};  // [1, C, h, w] of float, scaled for the UNet.
  Prompts prompts;
  std::int64_t steps = 1;  // At least 1.
  std::uint64_t seed = 0;
  bool previews = false;  // Whether they will be asked for.
  int tile_side = 0;      // In pixels, a multiple of side_multiple(); 0: one tile.
};

// A picture between its stages. In shapes, C is the latent's channels, h and w the
// sides of the small picture's latent.
struct PipelineRow {
  TilePlan plan;
  NoiseSource noise;
  std::optional<PictureEncoding> encoding;  // Until all of its tiles are encoded.
  at::Tensor low_resolution;                // [1, C, h, w], the small picture's.
  std::optional<TiledLatents> latents;      // [1, C, 2h, 2w], what the steps work on.
  Condition condition;
  double guidance_scale = 0;
  bool previews = false;
  std::vector<float> sigmas;  // The noise levels, one more than there are steps.
  std::size_t step = 0;       // Steps done.
  int tile = 0;               // And tiles of the next one.
  // What the UNet's normalizations do in some steps, from `modulated_step` on: [S, P, M], S
  // being the steps and P the passes of each. Undefined before the first one.
  at::Tensor modulation = {};
  std::size_t modulated_step = 0;

  float sigma() const { return sigmas[step]; }
  float next_sigma() const { return sigmas[step + 1]; }
};

// Immutable; thread-safe, though two threads would compete for the device.
// Throws what LibTorch throws. The caller holds a c10::InferenceMode.
class Pipeline {
 public:
  explicit Pipeline(Checkpoint checkpoint) : checkpoint_(std::move(checkpoint)) {}

  // A picture's sides must be multiples of the one and at least the other.
  std::int64_t side_multiple() const;
  std::int64_t minimum_side() const;

  // Draws the noise, and encodes the first tile of the picture if it is one; the row then has
  // an encoding where there are more. `condition` is that of the request's prompts.
  PipelineRow Begin(const PipelineRequest& request, Condition condition) const;

  // Encodes the next tile of a row that has an encoding. With the last one that goes, and the
  // row can be stepped.
  void EncodeTile(PipelineRow& row) const;

  // Takes the next tile of each of `rows` through their next step, in one forward pass; a row
  // that stands there several times takes as many. The tiles have latents of one shape, and the
  // rows the same number of passes, but are at steps and of prompts of their own. `conditions`
  // and `unet_calls` are the caller's, the one to be passed again with the next step of the same
  // rows, the other with every step. Returns whether what was made out in each tile is finite, in
  // order; leaves all rows as they were if it throws.
  std::vector<bool> Step(std::span<PipelineRow* const> rows, ConditionBatch& conditions,
                         RecordedCalls& unet_calls) const;

  // What a row that has taken a step looks like, roughly -> [h', w', 3] of uint8, on the CPU:
  // a pixel for every TiledLatents::look_stride()-th latent. Requires a row with previews. The
  // first time it takes longer: see PreviewMap.
  at::Tensor Preview(const PipelineRow& row) const;

  // latents [1, C, 2h, 2w] of a row whose steps are done -> [2H, 2W, 3] on the CPU, of uint8
  // for 8 bits, of uint16 for 16. Throws if the picture is not finite.
  at::Tensor Decode(const at::Tensor& latents, int bits = 8) const;

  // The same tile by tile, as the row was stepped. The pipeline must outlive the decoder.
  BandDecoder DecodeBands(at::Tensor latents, const TilePlan& plan, int bits) const;

  const Checkpoint& checkpoint() const { return checkpoint_; }

 private:
  const Checkpoint checkpoint_;
  // Made for the first client who asks, since most do not.
  mutable std::once_flag preview_wanted_;
  mutable std::optional<PreviewMap> preview_map_;
};

}  // namespace upscaler
