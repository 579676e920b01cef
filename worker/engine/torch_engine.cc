#include "worker/engine/torch_engine.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <utility>

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include "worker/engine/cpu_threads.h"
#include "worker/engine/device_memory.h"
#include "worker/kernels/device/catch_torch.h"

namespace upscaler {
namespace {

constexpr std::int64_t kChannels = Image::kChannels;

// A view -> [H, W, 3] of uint8 or uint16
at::Tensor ToTensor(const Image& image) {
  // LibTorch takes a mutable pointer and nobody writes to it.
  auto* pixels = const_cast<std::uint8_t*>(image.pixels.data());  // NOLINT(*-const-cast)
  return at::from_blob(pixels, {image.height, image.width, kChannels},
                       image.bits == 8 ? at::kByte : at::kUInt16);
}

// pixels [H, W, 3] of uint8 or uint16, contiguous
Image ToImage(const at::Tensor& pixels) {
  Image image{.width = static_cast<int>(pixels.size(1)),
              .height = static_cast<int>(pixels.size(0)),
              .bits = pixels.scalar_type() == at::kByte ? 8 : 16,
              .pixels = std::vector<std::uint8_t>(pixels.nbytes())};
  std::memcpy(image.pixels.data(), pixels.const_data_ptr(), image.pixels.size());
  return image;
}

// -> [1, C, h, w]
at::Tensor ToTensor(const Latents& latents) {
  at::Tensor tensor = at::empty({1, latents.channels, latents.height, latents.width}, at::kFloat);
  std::memcpy(tensor.mutable_data_ptr(), latents.values.data(),
              latents.values.size() * sizeof(float));
  return tensor;
}

// tensor [1, C, h, w]
Latents ToLatents(const at::Tensor& tensor, int reduction) {
  const at::Tensor host = tensor.to(at::kCPU, at::kFloat).contiguous();
  Latents latents{.channels = static_cast<int>(host.size(1)),
                  .height = static_cast<int>(host.size(2)),
                  .width = static_cast<int>(host.size(3)),
                  .reduction = reduction,
                  .values = std::vector<float>(static_cast<std::size_t>(host.numel()))};
  std::memcpy(latents.values.data(), host.const_data_ptr(), latents.values.size() * sizeof(float));
  return latents;
}

void ComputeWith(const TorchEngine::Options& options) {
  if (options.threads > 0) ComputeWithThreads(options.threads);
}

// Of a row's picture.
int EncodingsLeft(const PipelineRow& row) {
  return row.encoding.has_value() ? row.encoding->tiles_left() : 0;
}

// A picture that is decoded as its rows are asked for.
class TorchRows final : public PictureRows {
 public:
  TorchRows(std::shared_ptr<const TorchModel> model, const TorchEngine::Options& options,
            at::Tensor latents, const TilePlan& plan, int bits)
      : model_(std::move(model)),
        options_(options),
        bits_(bits),
        decoder_(model_->pipeline().DecodeBands(std::move(latents), plan, bits)) {}

  int width() const override { return static_cast<int>(decoder_.width()); }
  int height() const override { return static_cast<int>(decoder_.height()); }
  int bits() const override { return bits_; }

  absl::StatusOr<Image> Next() override {
    const c10::InferenceMode inference;
    return CatchTorch([&] {
      ComputeWith(options_);
      return ToImage(decoder_.Next());
    });
  }

 private:
  const std::shared_ptr<const TorchModel> model_;  // Outlives the decoder, which refers to it.
  const TorchEngine::Options options_;
  const int bits_;
  BandDecoder decoder_;
};

absl::Status NotFinite(const PipelineRow& row) {
  return absl::InternalError(fmt::format("the latents are not finite after step {}", row.step));
}

}  // namespace

absl::StatusOr<Intake> TorchEngine::Admit(RowId id, const RowSpec& spec) {
  const c10::InferenceMode inference;
  return CatchTorch([&] {
    ComputeWith(options_);
    const bool pixels = spec.picture != nullptr;
    const PipelineRequest request = {.pixels = pixels ? ToTensor(*spec.picture) : at::Tensor(),
                                     .latents = pixels ? at::Tensor() : ToTensor(*spec.latents),
                                     .prompts = {.prompt = spec.prompt,
                                                 .negative = spec.negative_prompt,
                                                 .guidance_scale = spec.guidance_scale},
                                     .steps = spec.steps,
                                     .seed = spec.seed,
                                     .previews = spec.preview_count > 0,
                                     .tile_side = spec.tile_side};
    const TimePoint start = clock_.Now();
    Condition condition = model_->EncodePrompts(request.prompts);
    const TimePoint text_done = clock_.Now();
    Intake intake = {.warnings = condition.warnings,
                     .text = text_done - start,
                     .text_cache_hits = condition.cache_hits,
                     .text_cache_misses = condition.cache_misses};
    PipelineRow row = model_->pipeline().Begin(request, std::move(condition));
    intake.vae_encode = clock_.Now() - text_done;
    intake.tiles = row.plan.count();
    intake.encodings_left = EncodingsLeft(row);
    rows_.emplace(id, KeyedRow{.row = std::move(row),
                               .key = BatchKeyOf(spec),
                               .picture = spec.picture,
                               .latents_wanted = spec.latents_wanted,
                               .bits = spec.bits});
    return intake;
  });
}

absl::StatusOr<int> TorchEngine::Encode(RowId id) {
  const c10::InferenceMode inference;
  return CatchTorch([&] {
    ComputeWith(options_);
    PipelineRow& row = rows_.at(id).row;
    model_->pipeline().EncodeTile(row);
    return EncodingsLeft(row);
  });
}

absl::StatusOr<std::vector<absl::Status>> TorchEngine::Step(std::span<const RowId> rows) {
  const c10::InferenceMode inference;
  auto statuses = CatchTorch([&] {
    ComputeWith(options_);
    std::vector<PipelineRow*> batch;
    for (const RowId id : rows) batch.push_back(&rows_.at(id).row);
    const std::vector<bool> finite =
        model_->pipeline().Step(batch, ConditionsOf(rows_.at(rows.front()).key), unet_calls_);

    std::vector<absl::Status> each;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      KeyedRow& keyed = rows_.at(rows[i]);
      keyed.lost = keyed.lost || !finite[i];
      each.push_back(keyed.lost ? NotFinite(keyed.row) : absl::OkStatus());
    }
    return each;
  });
  // What recordings hold is the first memory to give back where there is none.
  if (!statuses.ok()) unet_calls_.Clear();
  return statuses;
}

absl::StatusOr<Image> TorchEngine::Preview(RowId id) {
  const c10::InferenceMode inference;
  return CatchTorch([&] {
    ComputeWith(options_);
    return ToImage(model_->pipeline().Preview(rows_.at(id).row));
  });
}

Engine::Decoding TorchEngine::Finish(RowId id) {
  const auto place = rows_.find(id);
  assert(place != rows_.end());
  // Of the whole row, which may wait for its decoding, only the latents.
  KeyedRow taken = TakeOut(place);
  return [model = model_, options = options_, latents = taken.row.latents->latents(),
          plan = taken.row.plan, bits = taken.bits, latents_wanted = taken.latents_wanted] {
    const c10::InferenceMode inference;
    return CatchTorch([&]() -> RowOutput {
      if (latents_wanted) return ToLatents(latents, model->latents().reduction);
      ComputeWith(options);
      if (plan.count() == 1) return ToImage(model->pipeline().Decode(latents, bits));
      return std::make_unique<TorchRows>(model, options, latents, plan, bits);
    });
  };
}

void TorchEngine::Drop(RowId id) {
  const auto place = rows_.find(id);
  if (place != rows_.end()) TakeOut(place);
}

std::int64_t TorchEngine::FreeBytes() const { return FreeDeviceBytes(model_->device()); }

ConditionBatch& TorchEngine::ConditionsOf(const BatchKey& key) {
  const auto kept = std::find_if(conditions_.begin(), conditions_.end(),
                                 [&](const KeyedConditions& of) { return of.key == key; });
  if (kept != conditions_.end()) return kept->conditions;
  return conditions_.emplace_back(KeyedConditions{.key = key, .conditions = {}}).conditions;
}

TorchEngine::KeyedRow TorchEngine::TakeOut(std::unordered_map<RowId, KeyedRow>::iterator place) {
  KeyedRow taken = std::move(place->second);
  rows_.erase(place);
  const bool last = std::none_of(rows_.begin(), rows_.end(),
                                 [&](const auto& other) { return other.second.key == taken.key; });
  if (last) std::erase_if(conditions_, [&](const auto& of) { return of.key == taken.key; });
  return taken;
}

}  // namespace upscaler
