#include "gateway/server_description.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/image_format.h"
#include "client/spec_names.h"
#include "gateway/rest_error.h"
#include "gateway/upscale_form.h"

namespace upscaler {
namespace {

using Json = nlohmann::ordered_json;
using Info = v1::GetServerInfoResponse;

constexpr const char* kOwner = "upscaler";

HttpResponse Answer(const Json& body) {
  return {.status = 200,
          .headers = {{"Content-Type", "application/json"}},
          .body = body.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

Json TextOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json DescribeListed(const Info::Model& model) {
  return {{"id", model.name()}, {"object", "model"}, {"created", 0}, {"owned_by", kOwner}};
}

std::string_view StateName(Info::State state) {
  switch (state) {
    case Info::STATE_SERVING:
      return "serving";
    case Info::STATE_DRAINING:
      return "draining";
    default:
      return "loading";
  }
}

Json DescribeDevices(const Info& info) {
  Json devices = Json::array();
  for (const Info::Device& device : info.devices()) {
    devices.push_back({{"name", device.name()},
                       {"data_type", device.data_type()},
                       {"replicas", device.replicas()}});
  }
  return devices;
}

Json DescribeLimits(const Info::Limits& limits) {
  return {{"max_input_pixels", limits.max_input_pixels()},
          {"max_image_bytes", limits.max_image_bytes()},
          {"max_prompt_bytes", limits.max_prompt_bytes()},
          {"max_n", limits.max_image_count()},
          {"max_num_inference_steps", limits.max_inference_steps()},
          {"max_guidance_scale", limits.max_guidance_scale()},
          {"max_partial_images", std::min(limits.max_preview_count(), kMaxPartialImages)},
          {"max_tile_size", limits.max_tile_size()},
          {"queue_capacity", limits.queue_capacity()}};
}

Json DescribeDefaults(const Info& info) {
  const v1::UpscaleSpec& spec = info.defaults();
  return {{"prompt", spec.prompt()},
          {"negative_prompt", spec.negative_prompt()},
          {"guidance_scale", spec.guidance_scale()},
          {"num_inference_steps", spec.num_inference_steps()},
          {"n", spec.image_count()},
          {"scale", spec.scale()},
          {"size", "auto"},
          {"tile_size", spec.tile_size()},
          {"alpha", AlphaName(spec.alpha())},
          {"metadata", MetadataName(spec.metadata())},
          {"bit_depth", spec.bit_depth()},
          {"lossless", spec.lossless()},
          {"embed_parameters", spec.embed_parameters()},
          {"output_format", FormatName(spec.output_format())},
          {"output_compression", kDefaultCompression},
          {"response_format", "b64_json"},
          {"stream", false},
          {"partial_images", 0}};
}

// "png" of "image/png", as output formats are called, too.
Json DescribeInputs(const Info& info) {
  Json names = Json::array();
  for (const std::string& type : info.input_media_types()) {
    names.push_back(type.substr(type.find('/') + 1));
  }
  return names;
}

Json DescribeOutputs(const Info& info) {
  Json names = Json::array();
  for (const int format : info.output_formats()) {
    names.push_back(FormatName(static_cast<v1::ImageFormat>(format)));
  }
  return names;
}

}  // namespace

HttpResponse ModelsAnswer(const Info& info) {
  Json data = Json::array();
  if (!info.model().name().empty()) data.push_back(DescribeListed(info.model()));
  return Answer({{"object", "list"}, {"data", std::move(data)}});
}

HttpResponse ModelAnswer(const Info& info, std::string_view id) {
  if (id == info.model().name()) return Answer(DescribeListed(info.model()));
  return ErrorResponse(RestError{
      .status = 404,
      .message = fmt::format("model: '{:.40}' is not served; {} is", id, info.model().name()),
      .param = "model",
      .code = "model_not_found"});
}

HttpResponse CapabilitiesAnswer(const Info& info) {
  return Answer(
      {{"version", info.version()},
       {"state", StateName(info.state())},
       {"model",
        {{"name", info.model().name()},
         {"digest", TextOrNull(info.model().digest())},
         {"scale", info.model().scale()}}},
       {"devices", DescribeDevices(info)},
       {"limits", DescribeLimits(info.limits())},
       {"defaults", DescribeDefaults(info)},
       {"input_formats", DescribeInputs(info)},
       {"output_formats", DescribeOutputs(info)},
       {"scales", Json(std::vector<std::uint32_t>(info.scales().begin(), info.scales().end()))}});
}

}  // namespace upscaler
