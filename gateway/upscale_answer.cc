#include "gateway/upscale_answer.h"

#include <utility>

#include <absl/strings/escaping.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "client/image_format.h"
#include "client/image_size.h"
#include "client/spec_names.h"
#include "client/timings.h"

namespace upscaler {

using Json = nlohmann::ordered_json;

Json DescribeParameters(const v1::UpscaleSpec& spec) {
  Json parameters = {{"guidance_scale", spec.guidance_scale()},
                     {"num_inference_steps", spec.num_inference_steps()},
                     {"n", spec.image_count()},
                     {"output_format", FormatName(spec.output_format())},
                     {"output_compression", spec.quality()}};
  if (spec.has_resize_to()) parameters["size"] = SizeName(spec.resize_to());
  parameters["scale"] = spec.scale();
  parameters["tile_size"] = spec.tile_size();
  parameters["alpha"] = AlphaName(spec.alpha());
  parameters["metadata"] = MetadataName(spec.metadata());
  parameters["bit_depth"] = spec.bit_depth();
  parameters["lossless"] = spec.lossless();
  parameters["embed_parameters"] = spec.embed_parameters();
  return parameters;
}

Json TakePicture(v1::UpscaledImage& image, UpscaleForm::ResponseFormat form) {
  std::string base64;
  absl::Base64Escape(image.data(), &base64);
  std::string().swap(*image.mutable_data());  // Unlike assigning, gives the memory back.
  Json picture;
  if (form == UpscaleForm::ResponseFormat::kUrl) {
    base64.insert(0, fmt::format("data:{};base64,", MediaTypeOf(image.format())));
    picture["url"] = std::move(base64);
  } else {
    picture["b64_json"] = std::move(base64);
  }
  picture["seed"] = image.seed();
  picture["width"] = image.size().width();
  picture["height"] = image.size().height();
  return picture;
}

Json DescribeRun(const v1::UpscaleResponse& response, const std::string& model) {
  Json warnings = Json::array();
  for (const std::string& warning : response.warnings()) warnings.push_back(warning);
  return {{"model", model},
          {"output_format", FormatName(response.effective_spec().output_format())},
          {"parameters", DescribeParameters(response.effective_spec())},
          {"timings", TimingsInSeconds(response.timings())},
          {"warnings", std::move(warnings)}};
}

HttpResponse JsonAnswer(v1::UpscaleResponse response, const AnswerFacts& facts) {
  Json data = Json::array();
  for (v1::UpscaledImage& image : *response.mutable_images()) {
    data.push_back(TakePicture(image, facts.response_format));
  }

  Json answer;
  answer["created"] = facts.created;
  answer["data"] = std::move(data);
  answer["id"] = facts.id;
  answer.update(DescribeRun(response, facts.model));
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
