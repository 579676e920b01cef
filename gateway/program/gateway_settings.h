// What an operator may set: flags, environment variables, or a file.

#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "common/early_exit.h"
#include "telemetry/log.h"

namespace upscaler {

struct GatewaySettings {
  std::vector<std::string> backends = {"127.0.0.1:8998"};  // As CheckAddresses wants them.
  bool backend_tls = false;
  std::string backend_ca{};    // PEM; empty: whom the system trusts.
  std::string backend_cert{};  // PEM, the gateway's own, and its key; empty: none.
  std::string backend_key{};
  std::string backend_tls_name{};      // In the backends' certificates; empty: their host.
  std::string backend_api_key_file{};  // For asking what they serve; empty: without a key.

  std::string rest_address = "127.0.0.1:8997";
  std::string admin_address = "127.0.0.1:8999";
  unsigned rest_connections = 4096;  // At a time.
  std::string tls_cert{};            // Of REST, in PEM, and its key; empty: no TLS.
  std::string tls_key{};
  std::string tls_client_ca{};  // Who vouches for clients; empty: they need no certificate.
  std::vector<std::string> cors_origins = {"*"};  // Of web pages that may call; see Cors::Parse.
  std::size_t max_upload_mib = 32;                // Of one request's body.
  std::size_t uploads_mib = 512;                  // Of all bodies that come or are passed on.
  int stall_seconds = 60;                         // See ClientPace.
  int request_seconds = 600;                      // From the body's end to the answer.
  int drain_delay_seconds = 0;                    // At shutdown, until new requests are refused.
  int drain_seconds = 30;                         // And then for those that are open.
  LogForm log_form = LogForm::kJson;
};

std::variant<GatewaySettings, EarlyExit> ParseGatewaySettings(int argc, const char* const* argv);

}  // namespace upscaler
