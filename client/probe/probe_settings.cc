#include "client/probe/probe_settings.h"

#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "common/command_line.h"
#include "common/version.h"

namespace upscaler {
namespace {

constexpr double kLeastSeconds = 0.001;
constexpr double kMostSeconds = 3600;

constexpr const char* kFooter = R"(
Examples:
  Does the server of this container take work?
    upscaler-probe
  Does its process have to be replaced?
    upscaler-probe --service liveness
  One with TLS, whose certificate is for another name than localhost:
    upscaler-probe --tls-ca /tls/ca.crt --tls-name upscaler.example.com

It prints one line, on standard output where the answer is "serving" and on standard
error otherwise. It asks once and needs no API key.

Exit codes:
    0  serving
    1  the server has answered, but that it does not serve
    2  the command line makes no sense, or a file of it cannot be read
    3  the server cannot be reached, or has not answered in time)";

void DescribeQuestion(CLI::App& app, ProbeSettings& settings, double& seconds) {
  app.option_defaults()->group("Question");
  app.add_option("--server", settings.server.target,
                 "The server's gRPC address (default: that in UPSCALER_SERVER, or else "
                 "localhost:8998)")
      ->option_text("HOST:PORT")
      ->envname("UPSCALER_SERVER")
      ->default_val("localhost:8998");
  app.add_option("--service", settings.service,
                 "What is asked for: whether the server takes work, or with the name liveness "
                 "whether its process is sound (default: whether it takes work)")
      ->option_text("NAME");
  app.add_option("--timeout", seconds, "How long to wait for the answer (default: 5)")
      ->option_text("SECONDS")
      ->check(NumberIn(kLeastSeconds, kMostSeconds));
  app.set_version_flag("--version", fmt::format("upscaler-probe {}", kVersion));
}

void DescribeTls(CLI::App& app, ChannelOptions& server) {
  app.option_defaults()->group("TLS");
  app.add_flag("--tls", server.tls,
               "Connect with TLS; the options below imply it (default: nothing is encrypted)");
  app.add_option("--tls-ca", server.ca_file,
                 "Who may vouch for the server, as PEM (default: whom the system trusts)")
      ->option_text("FILE");
  app.add_option("--tls-name", server.tls_name,
                 "The name that the server's certificate is for (default: the host at --server)")
      ->option_text("NAME");
  CLI::Option* const certificate =
      app.add_option("--tls-cert", server.certificate_file,
                     "The probe's own certificate, as PEM, if the server wants one (default: none)")
          ->option_text("FILE");
  CLI::Option* const key =
      app.add_option("--tls-key", server.key_file, "Its key, as PEM (default: none)")
          ->option_text("FILE");
  certificate->needs(key);
  key->needs(certificate);
}

}  // namespace

std::variant<ProbeSettings, EarlyExit> ParseProbeSettings(int argc, const char* const* argv) {
  ProbeSettings settings;
  double seconds = std::chrono::duration<double>(settings.timeout).count();
  CLI::App app("Asks an upscaler-server by gRPC's health protocol whether it serves.",
               "upscaler-probe");
  app.footer(kFooter);
  DescribeQuestion(app, settings, seconds);
  DescribeTls(app, settings.server);
  if (auto exit = ParseArguments(app, argc, argv)) return *std::move(exit);

  ChannelOptions& server = settings.server;
  server.tls = server.tls || !server.ca_file.empty() || !server.tls_name.empty() ||
               !server.certificate_file.empty();
  settings.timeout =
      std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(seconds));
  return settings;
}

}  // namespace upscaler
