// The API key that a call brought, where the world's clients put it.

#pragma once

#include <map>
#include <optional>
#include <string_view>

#include <grpcpp/server_context.h>
#include <grpcpp/support/string_ref.h>

namespace upscaler {

using CallMetadata = std::multimap<grpc::string_ref, grpc::string_ref>;

// The key in "authorization: Bearer KEY", whose scheme is written in any case, or else in
// "x-api-key: KEY"; nothing where there is neither. It points into the metadata.
std::optional<std::string_view> BearerKeyIn(const CallMetadata& metadata);

// The key of a call, which must outlive what is returned.
std::optional<std::string_view> BearerKeyOf(const grpc::CallbackServerContext& call);

}  // namespace upscaler
