// What a client fills in, whether as a form or as JSON: the REST names of the
// settings and how their values are spelled.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "proto/upscaler/v1/spec.pb.h"

namespace upscaler {

// One field as it came. Every value is text but the image's, which is bytes.
struct FormField {
  std::string name;
  std::string value;
};

struct UpscaleForm {
  // How the answer's JSON carries a picture.
  enum class ResponseFormat { kBase64, kUrl };

  std::string image;     // Encoded; never empty.
  v1::UpscaleSpec spec;  // Holds what was given, and REST's own defaults.
  ResponseFormat response_format = ResponseFormat::kBase64;
  bool stream = false;               // Events while the pictures are made.
  std::uint32_t partial_images = 0;  // Previews of each picture, where they are streamed.
};

// Whether the image may come under this name: "image", "image[]" or "file".
bool IsImageField(std::string_view name);

// Whether a field of this name means anything here.
bool IsFormField(std::string_view name);

// Reads the fields. Unknown ones are ignored, and so are empty ones but for the
// image, as web pages send what was not filled in. kInvalidArgument naming the field
// that is missing, given twice, not of its type or not offered; that numbers lie
// in their ranges is the service's to check. `model` is the name of the served
// one.
absl::StatusOr<UpscaleForm> ReadForm(std::vector<FormField> fields, const std::string& model);

}  // namespace upscaler
