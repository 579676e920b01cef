#include "worker/engine/torch_engine.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <utility>

#include <ATen/ops/empty.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include "worker/engine/catch_torch.h"
#include "worker/engine/cpu_threads.h"
#include "worker/engine/device_memory.h"

namespace upscaler {
namespace {

constexpr std::int64_t kChannels = Image::kChannels;

// -> [H, W, 3] of uint8
at::Tensor ToTensor(const Image& image) {
  at::Tensor pixels = at::empty({image.height, image.width, kChannels}, at::kByte);
  std::memcpy(pixels.mutable_data_ptr(), image.pixels.data(), image.pixels.size());
  return pixels;
}

// pixels [H, W, 3] of uint8, contiguous
Image ToImage(const at::Tensor& pixels) {
  Image image{.width = static_cast<int>(pixels.size(1)),
              .height = static_cast<int>(pixels.size(0)),
              .pixels = std::vector<std::uint8_t>(static_cast<std::size_t>(pixels.numel()))};
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

absl::Status FiniteStatus(bool finite, const PipelineRow& row) {
  if (finite) return absl::OkStatus();
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
                                     .previews = spec.preview_count > 0};
    const TimePoint start = clock_.Now();
    Condition condition = model_->EncodePrompts(request.prompts);
    const TimePoint text_done = clock_.Now();
    Intake intake = {.warnings = condition.warnings,
                     .text = text_done - start,
                     .text_cache_hits = condition.cache_hits,
                     .text_cache_misses = condition.cache_misses};
    PipelineRow row = model_->pipeline().Begin(request, std::move(condition));
    intake.vae_encode = clock_.Now() - text_done;
    rows_.emplace(id, KeyedRow{.row = std::move(row),
                               .key = BatchKeyOf(spec),
                               .latents_wanted = spec.latents_wanted});
    return intake;
  });
}

absl::StatusOr<std::vector<absl::Status>> TorchEngine::Step(std::span<const RowId> rows) {
  const c10::InferenceMode inference;
  return CatchTorch([&] {
    ComputeWith(options_);
    std::vector<PipelineRow*> batch;
    for (const RowId id : rows) batch.push_back(&rows_.at(id).row);
    const std::vector<bool> finite =
        model_->pipeline().Step(batch, ConditionsOf(rows_.at(rows.front()).key));

    std::vector<absl::Status> statuses;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      statuses.push_back(FiniteStatus(finite[i], *batch[i]));
    }
    return statuses;
  });
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
  return [model = model_, options = options_, latents = std::move(taken.row.latents),
          latents_wanted = taken.latents_wanted] {
    const c10::InferenceMode inference;
    return CatchTorch([&]() -> RowOutput {
      if (latents_wanted) return ToLatents(latents, model->latents().reduction);
      ComputeWith(options);
      return ToImage(model->pipeline().Decode(latents));
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
