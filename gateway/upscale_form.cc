#include "gateway/upscale_form.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/str_replace.h>
#include <fmt/format.h>

#include "client/image_format.h"
#include "client/image_size.h"
#include "client/spec_names.h"
#include "common/error_details.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

// kInvalidArgument that quotes what was given, the beginning of it at least.
absl::Status NotAllowed(const FormField& field, std::string_view allowed) {
  return InvalidField(field.name,
                      fmt::format("'{:.40}' given; {} is allowed", field.value, allowed));
}

// The whole text as a number: no blanks, no sign before a natural number, nothing
// after it. `wanted` is for the error.
template <typename Number>
absl::StatusOr<Number> ParseNumber(const FormField& field, std::string_view wanted) {
  Number number{};
  const char* const end = field.value.data() + field.value.size();
  const auto [stop, error] = std::from_chars(field.value.data(), end, number);
  if (error == std::errc() && stop == end) return number;
  return NotAllowed(field, wanted);
}

absl::StatusOr<std::uint32_t> ParseCount(const FormField& field) {
  return ParseNumber<std::uint32_t>(field, "a whole number, 0 or more,");
}

// What a field does to the form.
using Apply = absl::Status (*)(const FormField& field, UpscaleForm& form);

absl::Status ApplyGuidanceScale(const FormField& field, UpscaleForm& form) {
  UPSCALER_ASSIGN_OR_RETURN(const double scale, ParseNumber<double>(field, "a number"));
  if (!std::isfinite(scale)) return NotAllowed(field, "a finite number");
  form.spec.set_guidance_scale(scale);
  return absl::OkStatus();
}

absl::Status ApplyImageCount(const FormField& field, UpscaleForm& form) {
  UPSCALER_ASSIGN_OR_RETURN(const std::uint32_t count, ParseCount(field));
  form.spec.set_image_count(count);
  return absl::OkStatus();
}

absl::Status ApplySteps(const FormField& field, UpscaleForm& form) {
  UPSCALER_ASSIGN_OR_RETURN(const std::uint32_t steps, ParseCount(field));
  form.spec.set_num_inference_steps(steps);
  return absl::OkStatus();
}

absl::Status ApplySeed(const FormField& field, UpscaleForm& form) {
  UPSCALER_ASSIGN_OR_RETURN(
      const std::uint64_t seed,
      ParseNumber<std::uint64_t>(field, "a whole number, 0 to 18446744073709551615,"));
  form.spec.set_seed(seed);
  return absl::OkStatus();
}

absl::StatusOr<bool> ParseBool(const FormField& field) {
  if (absl::EqualsIgnoreCase(field.value, "true") || field.value == "1") return true;
  if (absl::EqualsIgnoreCase(field.value, "false") || field.value == "0") return false;
  return NotAllowed(field, "true or false");
}

absl::Status ApplyOutputFormat(const FormField& field, UpscaleForm& form) {
  const auto format = FormatNamed(field.value);
  if (!format.has_value()) return NotAllowed(field, "png, jpeg, webp, tiff or avif");
  form.spec.set_output_format(*format);
  return absl::OkStatus();
}

absl::Status ApplyCompression(const FormField& field, UpscaleForm& form) {
  UPSCALER_ASSIGN_OR_RETURN(const std::uint32_t quality, ParseCount(field));
  form.spec.set_quality(quality);
  return absl::OkStatus();
}

absl::Status ApplyResponseFormat(const FormField& field, UpscaleForm& form) {
  if (field.value == "url") {
    form.response_format = UpscaleForm::ResponseFormat::kUrl;
  } else if (field.value != "b64_json") {
    return NotAllowed(field, "b64_json or url");
  }
  return absl::OkStatus();
}

// Browsers end the lines of a form's texts with CRLF, whatever the page has. As the user typed
// it, a prompt is in one batch with those that come from programs.
std::string TextOf(const FormField& field) {
  return absl::StrReplaceAll(field.value, {{"\r\n", "\n"}});
}

absl::Status ApplyPrompt(const FormField& field, UpscaleForm& form) {
  form.spec.set_prompt(TextOf(field));
  return absl::OkStatus();
}

absl::Status ApplyNegativePrompt(const FormField& field, UpscaleForm& form) {
  form.spec.set_negative_prompt(TextOf(field));
  return absl::OkStatus();
}

absl::Status ApplyScale(const FormField& field, UpscaleForm& form) {
  if (field.value == "2" || field.value == "2x") {
    form.spec.set_scale(2);
  } else if (field.value == "4" || field.value == "4x") {
    form.spec.set_scale(4);
  } else {
    return NotAllowed(field, "2 or 4");
  }
  return absl::OkStatus();
}

absl::Status ApplyTileSize(const FormField& field, UpscaleForm& form) {
  UPSCALER_ASSIGN_OR_RETURN(const std::uint32_t size, ParseCount(field));
  form.spec.set_tile_size(size);
  return absl::OkStatus();
}

absl::Status ApplyAlpha(const FormField& field, UpscaleForm& form) {
  const auto mode = AlphaNamed(field.value);
  if (!mode.has_value()) return NotAllowed(field, "keep or drop");
  form.spec.set_alpha(*mode);
  return absl::OkStatus();
}

absl::Status ApplyMetadata(const FormField& field, UpscaleForm& form) {
  const auto mode = MetadataNamed(field.value);
  if (!mode.has_value()) return NotAllowed(field, "keep, all, color or strip");
  form.spec.set_metadata(*mode);
  return absl::OkStatus();
}

absl::Status ApplyBitDepth(const FormField& field, UpscaleForm& form) {
  UPSCALER_ASSIGN_OR_RETURN(const std::uint32_t bits, ParseCount(field));
  form.spec.set_bit_depth(bits);
  return absl::OkStatus();
}

absl::Status ApplyLossless(const FormField& field, UpscaleForm& form) {
  UPSCALER_ASSIGN_OR_RETURN(const bool lossless, ParseBool(field));
  form.spec.set_lossless(lossless);
  return absl::OkStatus();
}

absl::Status ApplyEmbedParameters(const FormField& field, UpscaleForm& form) {
  UPSCALER_ASSIGN_OR_RETURN(const bool embed, ParseBool(field));
  form.spec.set_embed_parameters(embed);
  return absl::OkStatus();
}

absl::Status ApplySize(const FormField& field, UpscaleForm& form) {
  if (field.value == "auto") return absl::OkStatus();
  const auto size = SizeNamed(field.value);
  if (!size.has_value()) return NotAllowed(field, "WxH such as 640x480, or auto,");
  *form.spec.mutable_resize_to() = *size;
  return absl::OkStatus();
}

absl::Status ApplyStream(const FormField& field, UpscaleForm& form) {
  UPSCALER_ASSIGN_OR_RETURN(form.stream, ParseBool(field));
  return absl::OkStatus();
}

// Checked here, as it does not reach the service unless the answer is streamed.
absl::Status ApplyPartialImages(const FormField& field, UpscaleForm& form) {
  UPSCALER_ASSIGN_OR_RETURN(form.partial_images, ParseCount(field));
  if (form.partial_images > kMaxPartialImages) return NotAllowed(field, "0 to 3");
  return absl::OkStatus();
}

struct KnownField {
  std::string_view name;
  Apply apply;
};

constexpr KnownField kKnownFields[] = {
    {"alpha", &ApplyAlpha},
    {"bit_depth", &ApplyBitDepth},
    {"embed_parameters", &ApplyEmbedParameters},
    {"guidance_scale", &ApplyGuidanceScale},
    {"lossless", &ApplyLossless},
    {"metadata", &ApplyMetadata},
    {"n", &ApplyImageCount},
    {"negative_prompt", &ApplyNegativePrompt},
    {"num_inference_steps", &ApplySteps},
    {"output_compression", &ApplyCompression},
    {"output_format", &ApplyOutputFormat},
    {"partial_images", &ApplyPartialImages},
    {"prompt", &ApplyPrompt},
    {"response_format", &ApplyResponseFormat},
    {"scale", &ApplyScale},
    {"seed", &ApplySeed},
    {"size", &ApplySize},
    {"stream", &ApplyStream},
    {"tile_size", &ApplyTileSize},
};

// Null for the image, the model, and names that mean nothing here.
const KnownField* FindKnown(std::string_view name) {
  const auto* const found = std::find_if(std::begin(kKnownFields), std::end(kKnownFields),
                                         [name](const auto& field) { return field.name == name; });
  return found == std::end(kKnownFields) ? nullptr : found;
}

absl::Status CheckModel(const FormField& field, const std::string& model) {
  if (field.value == model) return absl::OkStatus();
  return WithReason(NotAllowed(field, model), "MODEL_NOT_FOUND");
}

}  // namespace

bool IsImageField(std::string_view name) {
  return name == "image" || name == "image[]" || name == "file";
}

bool IsFormField(std::string_view name) {
  return IsImageField(name) || name == "model" || FindKnown(name) != nullptr;
}

std::vector<std::string_view> FormFieldNames() {
  std::vector<std::string_view> names = {"image", "image[]", "file", "model"};
  for (const KnownField& field : kKnownFields) names.push_back(field.name);
  return names;
}

absl::StatusOr<UpscaleForm> ReadForm(std::vector<FormField> fields, const std::string& model) {
  UpscaleForm form;
  form.spec.set_quality(kDefaultCompression);
  std::set<std::string> seen;
  for (FormField& field : fields) {
    if (!IsFormField(field.name)) continue;
    if (IsImageField(field.name)) {
      field.name = "image";
    } else if (field.value.empty()) {
      continue;
    }
    if (!seen.insert(field.name).second) {
      return InvalidField(field.name, "given twice; once is allowed");
    }
    if (field.name == "image") {
      form.image = std::move(field.value);
    } else if (field.name == "model") {
      UPSCALER_RETURN_IF_ERROR(CheckModel(field, model));
    } else {
      UPSCALER_RETURN_IF_ERROR(FindKnown(field.name)->apply(field, form));
    }
  }
  if (seen.count("image") == 0) {
    return WithReason(InvalidField("image", "not given; a picture is required"),
                      "MISSING_REQUIRED_PARAMETER");
  }
  if (form.image.empty()) return InvalidField("image", "no bytes given; a picture is required");
  return form;
}

}  // namespace upscaler
