// A body of JSON as the same fields that a form has.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "gateway/form_reader.h"

namespace upscaler {

// {"image": "iVBORw0...", "n": 2, "prompt": "a cat"} with the image in base64 or
// as a data URL. Numbers and booleans become text, so that one set of rules reads
// both; a whole number may be written as 2.0, as some languages do. A field that is
// null counts as left out.
class JsonReader final : public FormReader {
 public:
  absl::Status Read(std::string_view part) override;
  absl::StatusOr<std::vector<FormField>> Finish() override;

 private:
  std::string body_;
};

}  // namespace upscaler
