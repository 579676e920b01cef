// Saying no to a configuration that asks for what we do not have.
//
// The reference's networks have many switches; ours are the networks of one model
// family. A switch that would change the result is read all the same, and must
// stand where this family has it: a picture computed as if it did would be wrong,
// and nobody would see why.

#pragma once

#include <string_view>

#include "common/json_fields.h"

namespace upscaler {

// Notes an error in `fields` unless the field is absent or null.
void RequireNull(JsonFields& fields, const char* name);

// Notes an error in `fields` unless the field is `wanted`, or absent.
void RequireString(JsonFields& fields, const char* name, std::string_view wanted);
void RequireBoolean(JsonFields& fields, const char* name, bool wanted);

// The number `name`, which must lie between 0 and 1, both excluded, as the epsilon
// of a normalization does.
double EpsilonField(JsonFields& fields, const char* name, double otherwise);

}  // namespace upscaler
