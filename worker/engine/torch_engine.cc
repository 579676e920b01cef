#include "worker/engine/torch_engine.h"

#include <cstring>
#include <utility>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>
#include <torch/headeronly/version.h>

#include "common/status_macros.h"
#include "worker/engine/catch_torch.h"
#include "worker/engine/device.h"

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

// Takes the next step of `rows`.
absl::Status TryStep(const Pipeline& pipeline, std::span<PipelineRow* const> rows) {
  return CatchTorch([&] {
           pipeline.Step(rows);
           return true;
         })
      .status();
}

absl::Status CheckFinite(const PipelineRow& row) {
  UPSCALER_ASSIGN_OR_RETURN(
      const bool finite, CatchTorch([&] { return at::isfinite(row.latents).all().item<bool>(); }));
  if (finite) return absl::OkStatus();
  return absl::InternalError(fmt::format("the latents are not finite after step {}", row.step));
}

}  // namespace

absl::StatusOr<std::unique_ptr<TorchEngine>> TorchEngine::Load(const Options& options) {
  UPSCALER_ASSIGN_OR_RETURN(const c10::Device device, OpenDevice(options.device));
  if (options.threads > 0) at::set_num_threads(options.threads);
  const LoadOptions load = {.variant = options.weights_variant,
                            .dtype = options.dtype == "float16" ? at::kHalf : at::kFloat,
                            .device = device};
  absl::StatusOr<absl::StatusOr<Checkpoint>> checkpoint = CatchTorch([&] {
    const c10::InferenceMode inference;
    return LoadCheckpoint(options.model, load);
  });
  UPSCALER_RETURN_IF_ERROR(checkpoint.status());
  UPSCALER_RETURN_IF_ERROR(checkpoint->status());
  // Not make_unique: the constructor is private.
  return std::unique_ptr<TorchEngine>(new TorchEngine(Pipeline(**std::move(checkpoint))));
}

std::string TorchEngine::library_version() { return TORCH_VERSION; }

absl::Status TorchEngine::WarmUp() {
  constexpr RowId kRow = 0;
  const int side = sides().minimum;
  const auto pixels = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  const RowSpec spec = {.picture = std::make_shared<const Image>(
                            Image{.width = side,
                                  .height = side,
                                  .pixels = std::vector<std::uint8_t>(pixels * Image::kChannels)}),
                        .prompt = "",
                        .negative_prompt = "",
                        .guidance_scale = 0,
                        .steps = 1,
                        .seed = 0};
  absl::Status status = Admit(kRow, spec).status();
  if (status.ok()) status = Step({&kRow, 1}).front();
  if (status.ok()) status = Finish(kRow).status();
  Drop(kRow);
  return status;
}

SideRule TorchEngine::sides() const {
  return {.multiple = static_cast<int>(pipeline_.side_multiple()),
          .minimum = static_cast<int>(pipeline_.minimum_side())};
}

absl::StatusOr<std::vector<std::string>> TorchEngine::Admit(RowId id, const RowSpec& spec) {
  const c10::InferenceMode inference;
  return CatchTorch([&] {
    PipelineRow row = pipeline_.Begin({.pixels = ToTensor(*spec.picture),
                                       .prompts = {.prompt = spec.prompt,
                                                   .negative = spec.negative_prompt,
                                                   .guidance_scale = spec.guidance_scale},
                                       .steps = spec.steps,
                                       .seed = spec.seed});
    std::vector<std::string> warnings = row.condition.warnings;
    rows_.emplace(id, std::move(row));
    return warnings;
  });
}

std::vector<absl::Status> TorchEngine::Step(std::span<const RowId> rows) {
  const c10::InferenceMode inference;
  std::vector<PipelineRow*> batch;
  batch.reserve(rows.size());
  for (const RowId id : rows) batch.push_back(&rows_.at(id));

  const absl::Status together = TryStep(pipeline_, batch);
  std::vector<absl::Status> statuses;
  statuses.reserve(batch.size());
  for (PipelineRow* row : batch) {
    // What fails together may well go alone, and if not, then for one row.
    absl::Status status = together.ok() ? together : TryStep(pipeline_, {&row, 1});
    statuses.push_back(status.ok() ? CheckFinite(*row) : std::move(status));
  }
  return statuses;
}

absl::StatusOr<Image> TorchEngine::Finish(RowId id) {
  const c10::InferenceMode inference;
  return CatchTorch([&] { return ToImage(pipeline_.Decode(rows_.at(id))); });
}

void TorchEngine::Drop(RowId id) { rows_.erase(id); }

}  // namespace upscaler
