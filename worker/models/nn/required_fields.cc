#include "worker/models/nn/required_fields.h"

#include <string>

#include <fmt/format.h>

namespace upscaler {

void RequireNull(JsonFields& fields, const char* name) {
  if (fields.Has(name)) fields.Refuse(name, "is set, wanted null");
}

void RequireString(JsonFields& fields, const char* name, std::string_view wanted) {
  const std::string found = fields.String(name, std::string(wanted));
  if (found != wanted) fields.Refuse(name, fmt::format("is '{}', wanted '{}'", found, wanted));
}

void RequireBoolean(JsonFields& fields, const char* name, bool wanted) {
  const bool found = fields.Boolean(name, wanted);
  if (found != wanted) fields.Refuse(name, fmt::format("is {}, wanted {}", found, wanted));
}

double EpsilonField(JsonFields& fields, const char* name, double otherwise) {
  const double found = fields.Number(name, otherwise);
  if (!(found > 0.0 && found < 1.0)) {
    fields.Refuse(name, fmt::format("is {}, wanted a number between 0 and 1", found));
  }
  return found;
}

}  // namespace upscaler
