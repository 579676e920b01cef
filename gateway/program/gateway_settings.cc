#include "gateway/program/gateway_settings.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "common/command_line.h"
#include "common/host_port.h"
#include "common/version.h"
#include "gateway/cors.h"
#include "gateway/program/backend_address.h"

namespace upscaler {
namespace {

constexpr const char* kFooter = R"(
Each option can also be set by the environment variable named beside it, or in the
file given with --config (TOML: backend = ["a:8998", "b:8998"]). Flags win over
variables, variables over the file.

Upscales go to the backends in turn, as long as these say by gRPC's health protocol
that they are ready. Give the backends one by one:

  --backend=a:8998 --backend=b:8998

Names of hosts are looked up once, at the start. Or give one name that stands for all
of them, which gRPC looks up again when one goes away:

  --backend=dns:///upscaler-headless:8998

Then there are no jobs (501): a job lives on one backend, and its id must lead back to
it. With several backends that id begins with a number that stands for the backend's
address as it is given here; do not spell the address another way while there are jobs.

All backends are to serve the same model: upscales go to any of them. While they do not,
as when one after the other gets a new model, the gateway says so in its log, and goes by
the name that it has as long as a backend serves that.

The gateway is ready (/readyz) while one backend is. API keys are the backends' affair:
those of clients are passed on.

At SIGTERM or SIGINT the gateway says that it is not ready and goes on serving for
--drain-delay-seconds. Then it takes no more connections, waits for the requests that
are open, cuts off what is left after --drain-seconds, and exits with 0. A second
signal ends it at once.

Exit codes: 0 ended as asked; 1 could not start (the reason is on standard error);
2 the command line is wrong; 130 or 143 ended by a second signal.)";

void DescribeBackends(CLI::App& app, GatewaySettings& settings) {
  Add(app, "backend", settings.backends,
      "The servers' gRPC: host:port, repeated or with commas, or one name of gRPC's")
      ->delimiter(',')
      ->take_all();
  app.add_flag("--backend-tls", settings.backend_tls,
               "Speak TLS with the backends; --backend-ca and --backend-cert mean it, too")
      ->envname(VariableOf("backend-tls"));
  Add(app, "backend-ca", settings.backend_ca,
      "Certificates in PEM that vouch for the backends [those that the system trusts]");
  Add(app, "backend-cert", settings.backend_cert,
      "The gateway's own certificate, in PEM, for backends that ask for one");
  Add(app, "backend-key", settings.backend_key, "Its private key, in PEM");
  Add(app, "backend-tls-name", settings.backend_tls_name,
      "The name that the backends' certificates are for; needed with several hosts [the "
      "backend's host]");
  Add(app, "backend-api-key-file", settings.backend_api_key_file,
      "File of an API key of the backends, where they want one: the gateway asks them what "
      "they serve");
}

void DescribeService(CLI::App& app, GatewaySettings& settings) {
  Add(app, "rest-address", settings.rest_address, "host:port of REST; port 0 means any free one");
  Add(app, "admin-address", settings.admin_address, "host:port of /metrics");
  Add(app, "tls-cert", settings.tls_cert,
      "Certificate of REST and those that vouch for it, in PEM; read again every minute, as the "
      "two below [no TLS]");
  Add(app, "tls-key", settings.tls_key, "Its private key, in PEM, not encrypted");
  Add(app, "tls-client-ca", settings.tls_client_ca,
      "Certificates in PEM that vouch for clients, which then need one; /livez and /readyz go "
      "without, for probes");
  Add(app, "cors-origins", settings.cors_origins,
      "Origins of the web pages that may call, such as https://shop.example; * means all, "
      "none means none: browsers then get no leave, preflights an empty 204")
      ->delimiter(',');
  Add(app, "max-upload-mib", settings.max_upload_mib,
      "Largest body of a request, in MiB; the backends have a bound of their own for pictures")
      ->check(CLI::Range(1, 1024));
  Add(app, "uploads-mib", settings.uploads_mib,
      "Memory for bodies that are arriving or on their way to a backend, all together, in MiB")
      ->check(CLI::Range(1, 1 << 20));
  Add(app, "rest-connections", settings.rest_connections,
      "Connections at a time; more wait until there are fewer")
      ->check(CLI::Range(1, 1'000'000));
  Add(app, "stall-seconds", settings.stall_seconds,
      "How long a client may take for the head of a request, and for 64 KiB of what it sends or "
      "is sent; for a 32nd of what is held for it, where that is more")
      ->check(CLI::Range(1, 86'400));
  Add(app, "request-seconds", settings.request_seconds,
      "How long an upscale may take, from the body's end to the answer")
      ->check(CLI::Range(1, 86'400));
  Add(app, "drain-delay-seconds", settings.drain_delay_seconds,
      "At shutdown, how long new requests are taken: until a load balancer has heard of it")
      ->check(CLI::Range(0, 86'400));
  Add(app, "drain-seconds", settings.drain_seconds,
      "At shutdown, how long open requests may take after that")
      ->check(CLI::Range(0, 86'400));
  AddChoice(app, "log-format", settings.log_form,
            {{"json", LogForm::kJson}, {"text", LogForm::kText}},
            "json for machines, text for people");
}

// Whether all servers have the name that certificates of the first are for.
bool HaveOneHost(const std::vector<std::string>& backends) {
  const auto host = [](const std::string& address) { return ParseHostPort(address)->host; };
  return backends.size() == 1 || std::ranges::all_of(backends, [&](const std::string& address) {
           return host(address) == host(backends.front());
         });
}

// What is wrong with settings that are fine each by itself, if anything.
std::optional<std::string> Contradiction(const GatewaySettings& settings) {
  if (const absl::Status addresses = CheckAddresses(settings.backends); !addresses.ok()) {
    return fmt::format("--backend: {}", std::string(addresses.message()));
  }
  if (const absl::Status cors = Cors::Parse(settings.cors_origins).status(); !cors.ok()) {
    return fmt::format("--cors-origins: {}", std::string(cors.message()));
  }
  if (settings.uploads_mib < settings.max_upload_mib) {
    return "--uploads-mib must be at least --max-upload-mib, or large bodies could never arrive";
  }
  if (settings.tls_cert.empty() != settings.tls_key.empty()) {
    return "--tls-cert and --tls-key need one another";
  }
  if (settings.tls_cert.empty() && !settings.tls_client_ca.empty()) {
    return "--tls-client-ca needs --tls-cert and --tls-key";
  }
  if (settings.backend_cert.empty() != settings.backend_key.empty()) {
    return "--backend-cert and --backend-key need one another";
  }
  if (settings.backend_tls && settings.backend_tls_name.empty() &&
      !HaveOneHost(settings.backends)) {
    return "several backends with TLS need --backend-tls-name: a name that all their certificates "
           "are for";
  }
  return std::nullopt;
}

}  // namespace

std::variant<GatewaySettings, EarlyExit> ParseGatewaySettings(int argc, const char* const* argv) {
  GatewaySettings settings;
  CLI::App app("Serves REST in front of upscalers that speak gRPC.", "upscaler-gateway");
  app.set_version_flag("--version", fmt::format("upscaler-gateway {}", kVersion));
  app.footer(kFooter);
  DescribeBackends(app, settings);
  DescribeService(app, settings);
  if (auto exit = ParseCommandLine(app, argc, argv)) return *std::move(exit);
  if (!settings.backend_ca.empty() || !settings.backend_cert.empty()) settings.backend_tls = true;
  if (const auto problem = Contradiction(settings)) return Mistake(*problem);
  if (settings.backend_tls && settings.backend_tls_name.empty() && settings.backends.size() > 1) {
    settings.backend_tls_name = ParseHostPort(settings.backends.front())->host;
  }
  return settings;
}

}  // namespace upscaler
