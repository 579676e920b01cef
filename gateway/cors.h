// Which web pages may call: cross-origin resource sharing, as browsers ask for it.
//
// It keeps nobody out but the scripts of other people's pages in their readers' browsers;
// who may call at all is what API keys are for.

#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "gateway/http_message.h"

namespace upscaler {

// Immutable.
class Cors {
 public:
  // The pages of every origin may call.
  Cors() = default;

  // {"*"}: every origin; {"none"}: none; otherwise those that are listed, each as browsers
  // spell it: scheme://host, and the port where it is not the scheme's own.
  // kInvalidArgument for anything else, saying what is wrong.
  static absl::StatusOr<Cors> Parse(const std::vector<std::string>& origins);

  // What an answer to a request with these headers carries. Nothing where its origin may
  // not call, but for what caches have to know.
  HttpHeaders ForAnswer(const HttpHeaders& request) const;

  // What the answer to a preflight carries besides: leave for `methods` ("GET, HEAD") and
  // for the headers asked for. Nothing where the origin may not call: browsers take that
  // for a no.
  HttpHeaders ForPreflight(const HttpHeaders& request, const std::string& methods) const;

 private:
  // What Access-Control-Allow-Origin says to such a request; empty: nothing.
  std::string AllowedOrigin(const HttpHeaders& request) const;

  bool any_ = true;
  std::set<std::string> listed_;  // Counts where any_ is false.
};

}  // namespace upscaler
