// Reading a JSON object's fields by type, with errors that name the file, the
// field, what was found and what was wanted.
//
// The first error is kept and the rest of the reads answer defaults, so a parser
// reads every field in a row and asks for the status once, at the end.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <nlohmann/json.hpp>

namespace upscaler {

// The inclusive range of an integer.
struct IntegerRange {
  std::int64_t least = 0;
  std::int64_t most = INT64_MAX;
};

// Not thread-safe. A field that is null counts as absent.
class JsonFields {
 public:
  // Parses `text`, which must be one JSON object. `origin` says where it came
  // from, for messages: a file's path, say. kFailedPrecondition otherwise.
  static absl::StatusOr<JsonFields> Parse(std::string_view text, std::string origin);

  // As Parse, with the contents of the file at `path`, of at most 64 MiB.
  static absl::StatusOr<JsonFields> ReadFile(const std::string& path);

  // Whether the field is there and not null.
  bool Has(const char* name) const;

  // The field's value. An absent field is an error unless a default is given; a
  // value of another type or outside the range is an error always.
  std::int64_t Integer(const char* name, IntegerRange range,
                       std::optional<std::int64_t> otherwise = std::nullopt);
  double Number(const char* name, std::optional<double> otherwise = std::nullopt);
  bool Boolean(const char* name, std::optional<bool> otherwise = std::nullopt);
  std::string String(const char* name, std::optional<std::string> otherwise = std::nullopt);
  std::vector<std::int64_t> Integers(const char* name, IntegerRange range);
  std::vector<std::string> Strings(const char* name);

  // Notes an error about the field `name`, for rules of the caller's own, unless
  // one was noted before: "<origin>: '<name>' <problem>".
  void Refuse(const char* name, std::string_view problem);

  // OK, or the first error: kFailedPrecondition.
  const absl::Status& status() const { return status_; }
  const std::string& origin() const { return origin_; }
  // The whole object, for what has no fixed fields.
  const nlohmann::json& object() const { return object_; }

 private:
  JsonFields(nlohmann::json object, std::string origin);

  // The field's value, or null if it is absent; notes an error if it is absent
  // and `required`.
  const nlohmann::json* Find(const char* name, bool required);

  nlohmann::json object_;
  std::string origin_;
  absl::Status status_;
};

}  // namespace upscaler
