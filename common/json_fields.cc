#include "common/json_fields.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace upscaler {
namespace {

using nlohmann::json;

constexpr std::streamoff kMaxFileBytes = std::streamoff{64} << 20;

bool IsIntegerIn(const json& value, IntegerRange range) {
  if (!value.is_number_integer()) return false;
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return false;
  const auto integer = value.get<std::int64_t>();
  return integer >= range.least && integer <= range.most;
}

std::string WantedInteger(IntegerRange range) {
  if (range.most == INT64_MAX) return fmt::format("an integer of at least {}", range.least);
  return fmt::format("an integer from {} to {}", range.least, range.most);
}

// The value as text, cut to a length that fits a message.
std::string Shown(const json& value) {
  constexpr std::size_t kMaxShown = 60;
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > kMaxShown) text = text.substr(0, kMaxShown) + "...";
  return text;
}

}  // namespace

JsonFields::JsonFields(json object, std::string origin)
    : object_(std::move(object)), origin_(std::move(origin)) {}

absl::StatusOr<JsonFields> JsonFields::Parse(std::string_view text, std::string origin) {
  json object = json::parse(text, /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (object.is_discarded()) {
    return absl::FailedPreconditionError(fmt::format("{} is not valid JSON", origin));
  }
  if (!object.is_object()) {
    return absl::FailedPreconditionError(fmt::format("{} is not a JSON object", origin));
  }
  return JsonFields(std::move(object), std::move(origin));
}

absl::StatusOr<JsonFields> JsonFields::ReadFile(const std::string& path) {
  // A pipe would keep us waiting, and a device never end.
  if (std::error_code error; !std::filesystem::is_regular_file(path, error)) {
    return absl::FailedPreconditionError(fmt::format("cannot open {}", path));
  }
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return absl::FailedPreconditionError(fmt::format("cannot open {}", path));
  if (file.tellg() > kMaxFileBytes) {
    return absl::FailedPreconditionError(
        fmt::format("{} is larger than {} bytes", path, kMaxFileBytes));
  }
  file.seekg(0);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return Parse(text, path);
}

bool JsonFields::Has(const char* name) const {
  const auto field = object_.find(name);
  return field != object_.end() && !field->is_null();
}

std::int64_t JsonFields::Integer(const char* name, IntegerRange range,
                                 std::optional<std::int64_t> otherwise) {
  const json* value = Find(name, !otherwise.has_value());
  if (value == nullptr) return otherwise.value_or(range.least);
  if (IsIntegerIn(*value, range)) return value->get<std::int64_t>();
  Refuse(name, fmt::format("is {}, wanted {}", Shown(*value), WantedInteger(range)));
  return range.least;
}

double JsonFields::Number(const char* name, std::optional<double> otherwise) {
  const json* value = Find(name, !otherwise.has_value());
  if (value == nullptr) return otherwise.value_or(0.0);
  if (value->is_number()) return value->get<double>();
  Refuse(name, fmt::format("is {}, wanted a number", Shown(*value)));
  return 0.0;
}

bool JsonFields::Boolean(const char* name, std::optional<bool> otherwise) {
  const json* value = Find(name, !otherwise.has_value());
  if (value == nullptr) return otherwise.value_or(false);
  if (value->is_boolean()) return value->get<bool>();
  Refuse(name, fmt::format("is {}, wanted true or false", Shown(*value)));
  return false;
}

std::string JsonFields::String(const char* name, std::optional<std::string> otherwise) {
  const json* value = Find(name, !otherwise.has_value());
  if (value == nullptr) return std::move(otherwise).value_or("");
  if (value->is_string()) return value->get<std::string>();
  Refuse(name, fmt::format("is {}, wanted a string", Shown(*value)));
  return "";
}

std::vector<std::int64_t> JsonFields::Integers(const char* name, IntegerRange range) {
  std::vector<std::int64_t> integers;
  const json* value = Find(name, /*required=*/true);
  if (value == nullptr) return integers;
  if (!value->is_array()) {
    Refuse(name, fmt::format("is {}, wanted a list of integers", Shown(*value)));
    return integers;
  }
  for (const json& element : *value) {
    if (!IsIntegerIn(element, range)) {
      Refuse(name, fmt::format("holds {}, wanted {}", Shown(element), WantedInteger(range)));
      return {};
    }
    integers.push_back(element.get<std::int64_t>());
  }
  return integers;
}

std::vector<std::string> JsonFields::Strings(const char* name) {
  std::vector<std::string> strings;
  const json* value = Find(name, /*required=*/true);
  if (value == nullptr) return strings;
  if (!value->is_array()) {
    Refuse(name, fmt::format("is {}, wanted a list of strings", Shown(*value)));
    return strings;
  }
  for (const json& element : *value) {
    if (!element.is_string()) {
      Refuse(name, fmt::format("holds {}, wanted a string", Shown(element)));
      return {};
    }
    strings.push_back(element.get<std::string>());
  }
  return strings;
}

void JsonFields::Refuse(const char* name, std::string_view problem) {
  if (!status_.ok()) return;
  status_ = absl::FailedPreconditionError(fmt::format("{}: '{}' {}", origin_, name, problem));
}

const json* JsonFields::Find(const char* name, bool required) {
  const auto field = object_.find(name);
  if (field != object_.end() && !field->is_null()) return &*field;
  if (required) Refuse(name, "is missing");
  return nullptr;
}

}  // namespace upscaler
