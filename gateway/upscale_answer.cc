#include "gateway/upscale_answer.h"

#include <utility>
#include <vector>

#include <absl/strings/escaping.h>
#include <absl/strings/str_split.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/image_format.h"
#include "client/timings.h"
#include "common/error_details.h"

namespace upscaler {
namespace {

using Json = nlohmann::ordered_json;

Json DescribePicture(const v1::UpscaledImage& image, UpscaleForm::ResponseFormat form) {
  std::string base64;
  absl::Base64Escape(image.data(), &base64);
  Json picture;
  if (form == UpscaleForm::ResponseFormat::kUrl) {
    picture["url"] = fmt::format("data:{};base64,{}", MediaTypeOf(image.format()), base64);
  } else {
    picture["b64_json"] = std::move(base64);
  }
  picture["seed"] = image.seed();
  picture["width"] = image.size().width();
  picture["height"] = image.size().height();
  return picture;
}

Json DescribeParameters(const v1::UpscaleSpec& spec) {
  return {{"guidance_scale", spec.guidance_scale()},
          {"num_inference_steps", spec.num_inference_steps()},
          {"n", spec.image_count()},
          {"output_format", FormatName(spec.output_format())},
          {"output_compression", spec.quality()}};
}

// The media types of an Accept header, in its order.
std::vector<std::string> TypesIn(std::string_view accept) {
  std::vector<std::string> types;
  for (const auto part : absl::StrSplit(absl::string_view(accept.data(), accept.size()), ',')) {
    types.push_back(MediaType({part.data(), part.size()}));
  }
  return types;
}

bool IsJson(std::string_view type) {
  return type == "application/json" || type == "application/*" || type == "*/*";
}

std::optional<v1::ImageFormat> FormatOfType(std::string_view type) {
  for (const auto format : {v1::IMAGE_FORMAT_PNG, v1::IMAGE_FORMAT_JPEG, v1::IMAGE_FORMAT_WEBP}) {
    if (type == MediaTypeOf(format)) return format;
  }
  return std::nullopt;
}

}  // namespace

std::optional<v1::ImageFormat> AcceptedImage(std::string_view accept) {
  for (const std::string& type : TypesIn(accept)) {
    if (IsJson(type)) return std::nullopt;
    if (const auto format = FormatOfType(type); format.has_value()) return format;
  }
  return std::nullopt;
}

absl::Status CheckAccept(std::string_view accept) {
  bool wants_events = false;
  for (const std::string& type : TypesIn(accept)) {
    if (IsJson(type) || FormatOfType(type).has_value()) return absl::OkStatus();
    wants_events |= type == "text/event-stream";
  }
  if (!wants_events) return absl::OkStatus();
  return WithReason(absl::InvalidArgumentError(
                        fmt::format("the Accept is '{:.100}'; application/json, image/png, "
                                    "image/jpeg or image/webp, {}, is allowed",
                                    accept, kStreamingIsMissing)),
                    "NOT_ACCEPTABLE");
}

HttpResponse JsonAnswer(const v1::UpscaleResponse& response, const AnswerFacts& facts) {
  Json data = Json::array();
  for (const v1::UpscaledImage& image : response.images()) {
    data.push_back(DescribePicture(image, facts.response_format));
  }
  Json warnings = Json::array();
  for (const std::string& warning : response.warnings()) warnings.push_back(warning);

  Json answer;
  answer["created"] = facts.created;
  answer["data"] = std::move(data);
  answer["id"] = facts.id;
  answer["model"] = facts.model;
  answer["output_format"] = FormatName(response.effective_spec().output_format());
  answer["parameters"] = DescribeParameters(response.effective_spec());
  answer["timings"] = TimingsInSeconds(response.timings());
  answer["warnings"] = std::move(warnings);
  return {.status = 200,
          .headers = {{"Content-Type", "application/json"}},
          .body = answer.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

HttpResponse ImageAnswer(v1::UpscaleResponse response) {
  v1::UpscaledImage& image = *response.mutable_images(0);
  return {.status = 200,
          .headers = {{"Content-Type", std::string(MediaTypeOf(image.format()))},
                      {"Seed", fmt::format("{}", image.seed())}},
          .body = std::move(*image.mutable_data())};
}

}  // namespace upscaler
