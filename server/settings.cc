#include "server/settings.h"

#include <filesystem>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "common/version.h"

namespace upscaler {
namespace {

constexpr const char* kFooter = R"(
Each option can also be set by the environment variable named beside it, or in the
file given with --config (TOML: queue-capacity = 64). Flags win over variables,
variables over the file.

At SIGTERM or SIGINT the server takes no more requests, finishes those it has
admitted and exits with 0; a second signal ends it at once.

Exit codes: 0 ended as asked; 1 could not start (the reason is on standard error);
2 the command line is wrong.)";

// "device" in the environment is UPSCALER_DEVICE.
std::string VariableOf(const std::string& option) {
  std::string name = "UPSCALER_" + option;
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

// The last part of a path, whether or not it ends in a slash.
std::string FolderName(const std::string& path) {
  const std::filesystem::path normal = std::filesystem::path(path).lexically_normal();
  return (normal.has_filename() ? normal : normal.parent_path()).filename().string();
}

template <typename T>
CLI::Option* Add(CLI::App& app, const std::string& name, T& value, const std::string& help) {
  CLI::Option* option = app.add_option("--" + name, value, help);
  option->envname(VariableOf(name))->capture_default_str();
  // The last one wins where an option is given again, as after a script's own.
  if (option->get_expected_max() == 1) option->take_last();
  return option;
}

void Describe(CLI::App& app, Settings& settings) {
  Add(app, "model", settings.model, "Folder of the model, as published (diffusers layout)");
  Add(app, "model-name", settings.model_name, "What clients call the model [the folder's name]");
  Add(app, "weights-variant", settings.weights_variant,
      "Take the weights' files of this variant, such as fp16");
  Add(app, "devices", settings.devices, "Devices, one replica each: cpu, cuda:0, ...")
      ->delimiter(',');
  Add(app, "dtype", settings.dtype, "What the model computes in")
      ->check(CLI::IsMember({"float32", "float16"}));
  Add(app, "model-threads", settings.model_threads, "CPU threads of the model; 0 means one a core")
      ->check(CLI::Range(0, 1024));
  Add(app, "image-threads", settings.image_threads, "Threads that decode and encode pictures")
      ->check(CLI::Range(1, 1024));

  Add(app, "grpc-address", settings.grpc_address, "host:port of gRPC; port 0 means any free one");
  Add(app, "rest-address", settings.rest_address, "host:port of REST");
  Add(app, "admin-address", settings.admin_address, "host:port of /metrics");

  Add(app, "queue-capacity", settings.queue_capacity, "Pictures that may wait; more are refused")
      ->check(CLI::Range(1, 1'000'000));
  Add(app, "max-batch", settings.max_batch, "Pictures that share one step of a replica")
      ->check(CLI::Range(1, 256));
  Add(app, "max-input-pixels", settings.max_input_pixels, "Largest picture taken, width x height")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30));
  Add(app, "max-upload-mib", settings.max_upload_mib, "Largest encoded picture taken, in MiB")
      ->check(CLI::Range(1, 60));
  Add(app, "drain-seconds", settings.drain_seconds,
      "At shutdown, how long admitted requests may take")
      ->check(CLI::Range(0, 86'400));
  app.add_option_function<std::string>(
         "--log-format",
         [&settings](const std::string& form) {
           settings.log_form = form == "text" ? LogForm::kText : LogForm::kJson;
         },
         "json for machines, text for people")
      ->envname(VariableOf("log-format"))
      ->default_str("json")
      ->check(CLI::IsMember({"json", "text"}))
      ->take_last();
  app.set_config("--config", "", "Read settings from this file");
  app.allow_config_extras(CLI::config_extras_mode::error);
}

}  // namespace

std::variant<Settings, EarlyExit> ParseSettings(int argc, const char* const* argv) {
  Settings settings;
  settings.model = UPSCALER_DEFAULT_MODEL;
  CLI::App app("Serves an upscaler that doubles the resolution of pictures, by gRPC and REST.",
               "upscaler-server");
  app.set_version_flag("--version", fmt::format("upscaler-server {}", kVersion));
  app.footer(kFooter);
  Describe(app, settings);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // How CLI11 says help, version and mistakes alike.
    std::ostringstream text;
    const int code = app.exit(error, text, text);
    return EarlyExit{.code = code == 0 ? 0 : 2, .text = text.str()};
  }
  if (settings.model_name.empty()) settings.model_name = FolderName(settings.model);
  return settings;
}

}  // namespace upscaler
