#include "server/service/server_info.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "server/service/spec_enums.h"
#include "server/service/validation.h"
#include "worker/imaging/file_signature.h"

namespace upscaler {
namespace {

using Info = v1::GetServerInfoResponse;

// Of one run of the model.
constexpr std::uint32_t kScale = 2;

constexpr ImageFormat kOutputFormats[] = {ImageFormat::kPng, ImageFormat::kJpeg, ImageFormat::kWebp,
                                          ImageFormat::kTiff, ImageFormat::kAvif};

// One entry a device, however many replicas it has.
void DescribeDevices(const ServerFacts& facts, Info& info) {
  for (const std::string& name : facts.devices) {
    auto& devices = *info.mutable_devices();
    auto found = std::ranges::find(devices, name, &Info::Device::name);
    if (found == devices.end()) {
      Info::Device& device = *info.add_devices();
      device.set_name(name);
      device.set_data_type(facts.data_type);
      found = devices.end() - 1;
    }
    found->set_replicas(found->replicas() + 1);
  }
}

Info::Limits LimitsOf(const ServerFacts& facts) {
  Info::Limits limits;
  limits.set_max_input_pixels(static_cast<std::uint64_t>(facts.max_input_pixels));
  limits.set_max_image_bytes(facts.max_image_bytes);
  limits.set_max_chunk_bytes(kMaxChunkBytes);
  limits.set_max_prompt_bytes(kMaxPromptBytes);
  limits.set_max_image_count(kMaxImages);
  limits.set_max_inference_steps(kMaxSteps);
  limits.set_max_guidance_scale(kMaxGuidanceScale);
  limits.set_max_preview_count(kMaxPreviews);
  limits.set_queue_capacity(static_cast<std::uint32_t>(facts.queue_capacity));
  limits.set_max_tile_size(kMaxTileSize);
  return limits;
}

}  // namespace

Info DescribeServer(const ServerFacts& facts) {
  Info info;
  info.set_version(facts.version);
  info.set_libtorch_version(facts.libtorch_version);
  info.mutable_model()->set_name(facts.model_name);
  info.mutable_model()->set_scale(kScale);
  DescribeDevices(facts, info);
  *info.mutable_limits() = LimitsOf(facts);
  *info.mutable_defaults() = EffectiveSpec(UpscaleTask{});
  info.mutable_defaults()->clear_seed();
  for (const std::string_view type : ReadableMediaTypes()) {
    info.add_input_media_types(std::string(type));
  }
  for (const ImageFormat format : kOutputFormats) info.add_output_formats(ToProto(format));
  for (const std::uint32_t scale : kScales) info.add_scales(scale);
  return info;
}

void DescribeLatents(const LatentsRule& latents, Info::Model& model) {
  if (latents.stable_diffusion) {
    model.add_latents_families(v1::LATENTS_FAMILY_STABLE_DIFFUSION_1);
    model.add_latents_families(v1::LATENTS_FAMILY_STABLE_DIFFUSION_2);
  }
  model.add_latents_families(v1::LATENTS_FAMILY_SERVED_MODEL);
  model.set_latents_channels(static_cast<std::uint32_t>(latents.channels));
  model.set_latents_reduction(static_cast<std::uint32_t>(latents.reduction));
}

}  // namespace upscaler
