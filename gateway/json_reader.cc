#include "gateway/json_reader.h"

#include <cmath>
#include <utility>

#include <absl/strings/escaping.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/error_details.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

using nlohmann::json;

// The bytes of "iVBORw0..." or of "data:image/png;base64,iVBORw0...".
absl::StatusOr<std::string> DecodeImage(const std::string& name, std::string_view text) {
  if (text.starts_with("data:")) {
    constexpr std::string_view kMarker = ";base64,";
    const std::size_t marker = text.find(kMarker);
    if (marker == std::string_view::npos) {
      return InvalidField(name, "a data URL without base64 given; base64 is allowed");
    }
    text.remove_prefix(marker + kMarker.size());
  }
  std::string bytes;
  if (!absl::Base64Unescape({text.data(), text.size()}, &bytes)) {
    return InvalidField(name, "other text given; base64 or a data URL is allowed");
  }
  return bytes;
}

absl::StatusOr<FormField> ToField(const std::string& name, const json& value) {
  if (IsImageField(name)) {
    if (!value.is_string()) {
      return InvalidField(name, "no text given; base64 or a data URL is allowed");
    }
    UPSCALER_ASSIGN_OR_RETURN(std::string bytes,
                              DecodeImage(name, value.get_ref<const std::string&>()));
    return FormField{.name = name, .value = std::move(bytes)};
  }
  if (value.is_string()) return FormField{.name = name, .value = value.get<std::string>()};
  if (value.is_number_float() && std::trunc(value.get<double>()) == value.get<double>()) {
    return FormField{.name = name, .value = fmt::format("{:.0f}", value.get<double>())};
  }
  return FormField{.name = name, .value = value.dump()};
}

}  // namespace

absl::Status JsonReader::Read(std::string_view part) {
  body_.append(part);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<FormField>> JsonReader::Finish() {
  std::string current;     // The field whose value is parsed.
  std::string structured;  // One that is a list or an object.
  // What the form has no use for is dropped as it is met: lists in lists would cost
  // many times their size in memory.
  const auto keep = [&](int depth, json::parse_event_t event, const json& parsed) {
    using Event = json::parse_event_t;
    if (event == Event::key) {
      current = parsed.get<std::string>();
      return IsFormField(current);
    }
    if (event == Event::array_start || (event == Event::object_start && depth > 0)) {
      if (depth == 1 && IsFormField(current)) structured = current;
      return false;
    }
    return true;
  };
  const json object = json::parse(body_, keep, /*allow_exceptions=*/false);
  std::string().swap(body_);  // Unlike assigning, gives the memory back.
  if (!structured.empty()) {
    return InvalidField(structured, "a list or an object given; a single value is allowed");
  }
  if (!object.is_object()) {
    return absl::InvalidArgumentError("the body is not JSON, or not a JSON object");
  }
  std::vector<FormField> fields;
  for (const auto& [name, value] : object.items()) {
    if (value.is_null() || !IsFormField(name)) continue;
    UPSCALER_ASSIGN_OR_RETURN(FormField field, ToField(name, value));
    fields.push_back(std::move(field));
  }
  return fields;
}

}  // namespace upscaler
