#include "client/cli/command_line.h"

#include <cstdint>

#include <CLI/CLI.hpp>
#include <absl/status/status.h>
#include <fmt/format.h>

#include "client/cli/picture_file.h"
#include "client/image_format.h"
#include "common/version.h"

namespace upscaler {
namespace {

constexpr const char* kDescription =
    "Doubles the resolution of a picture with a diffusion model that runs on a server.";

constexpr const char* kFooter = R"(
Examples:
  upscale cat.png -o cat-2x.png --prompt "a cat on a red sofa"
  upscale cat.png -o cat-2x.webp --quality 90 --seed 7
  upscale cat.png -o cat-2x.png --n 3        writes cat-2x-1.png, -2.png and -3.png
  curl -s https://example.org/cat.jpg | upscale - -o - --format png > cat-2x.png

Exit codes:
  0  the picture is written
  1  the server refused the request or failed
  2  the command line makes no sense
  3  a file cannot be read or written
  4  there is no server at the address)";

constexpr int kMaxTimeoutSeconds = 365 * 24 * 3600;

// Where CLI11 puts what it reads, before it becomes a CommandLine.
struct Values {
  CommandLine line;
  std::string prompt;
  std::string negative_prompt;
  std::optional<double> guidance_scale;
  std::optional<std::uint32_t> steps;
  std::optional<std::uint64_t> seed;
  std::optional<std::uint32_t> image_count;
  std::optional<std::uint32_t> quality;
  std::string format;
  std::optional<double> timeout_seconds;
};

// CLI11 alone reads "-1" as a very large number.
std::string CheckNatural(const std::string& text) {
  if (text.find_first_not_of("0123456789") == std::string::npos) return "";
  return fmt::format("'{}' given; a whole number, 0 or more, is allowed", text);
}

void AddOptions(CLI::App& app, Values& values) {
  app.add_option("INPUT", values.line.input, "The picture, or - for standard input")->required();
  app.add_option("-o,--output", values.line.output, "Where to write, or - for standard output")
      ->required();
  app.add_option("--server", values.line.server, "The server")
      ->type_name("HOST:PORT")
      ->envname("UPSCALER_SERVER")
      ->default_val("localhost:8998");
  app.add_option("--prompt", values.prompt, "What the picture shows");
  app.add_option("--negative-prompt", values.negative_prompt, "What it shall not show");
  app.add_option("--guidance-scale", values.guidance_scale,
                 "How strongly to follow the prompt, 0 to 50 (default: 7.5)")
      ->type_name("NUMBER");
  app.add_option("--steps", values.steps, "Denoising steps, 1 to 200 (default: 25)")
      ->type_name("NUMBER")
      ->check(CheckNatural);
  app.add_option("--seed", values.seed,
                 "The same seed gives the same picture (default: a random one)")
      ->type_name("NUMBER")
      ->check(CheckNatural);
  app.add_option("-n,--n", values.image_count, "How many pictures to make, 1 to 10 (default: 1)")
      ->type_name("NUMBER")
      ->check(CheckNatural);
  app.add_option("--format", values.format,
                 "png, jpeg or webp (default: as the output's suffix says)")
      ->check(CLI::IsMember({"png", "jpeg", "webp"}))
      ->option_text("FORMAT");
  app.add_option("--quality", values.quality, "Of jpeg and webp, 0 to 100 (default: 90)")
      ->type_name("NUMBER")
      ->check(CheckNatural);
  app.add_option("--timeout", values.timeout_seconds, "Give up after this time (default: never)")
      ->type_name("SECONDS");
  app.add_flag("--quiet", values.line.quiet, "Show errors only");
  app.add_flag("--json", values.line.json, "Print one line of JSON about the result");
  app.set_version_flag("--version", fmt::format("upscale {}", kVersion));
}

v1::UpscaleSpec MakeSpec(const Values& values, v1::ImageFormat format) {
  v1::UpscaleSpec spec;
  spec.set_prompt(values.prompt);
  spec.set_negative_prompt(values.negative_prompt);
  if (values.guidance_scale.has_value()) spec.set_guidance_scale(*values.guidance_scale);
  if (values.steps.has_value()) spec.set_num_inference_steps(*values.steps);
  if (values.seed.has_value()) spec.set_seed(*values.seed);
  if (values.image_count.has_value()) spec.set_image_count(*values.image_count);
  if (values.quality.has_value()) spec.set_quality(*values.quality);
  spec.set_output_format(format);
  return spec;
}

// The rules that hold between options.
absl::StatusOr<CommandLine> Combine(Values values) {
  CommandLine& line = values.line;
  const bool to_standard_output = line.output == "-";
  if (to_standard_output && line.json) {
    return absl::InvalidArgumentError("--json and -o - both want standard output");
  }
  if (to_standard_output && values.image_count.value_or(1) > 1) {
    return absl::InvalidArgumentError("-o - takes one picture; give a file's name for --n above 1");
  }
  std::optional<v1::ImageFormat> format = FormatNamed(values.format);
  if (!format.has_value() && to_standard_output) format = v1::IMAGE_FORMAT_PNG;
  if (!format.has_value()) format = FormatOfPath(line.output);
  if (!format.has_value()) {
    return absl::InvalidArgumentError(
        fmt::format("the name {} does not tell the format; give --format", line.output));
  }
  line.spec = MakeSpec(values, *format);
  if (values.timeout_seconds.has_value()) {
    if (!(*values.timeout_seconds > 0 && *values.timeout_seconds <= kMaxTimeoutSeconds)) {
      return absl::InvalidArgumentError(
          fmt::format("--timeout: {} given; more than 0 and at most {} seconds are allowed",
                      *values.timeout_seconds, kMaxTimeoutSeconds));
    }
    line.timeout = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::duration<double>(*values.timeout_seconds));
  }
  return line;
}

}  // namespace

std::variant<CommandLine, ExitCode> ParseCommandLine(int argc, const char* const* argv,
                                                     std::ostream& out, std::ostream& err) {
  CLI::App app(kDescription, "upscale");
  app.footer(kFooter);
  Values values;
  AddOptions(app, values);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // --help and --version come this way too.
    return app.exit(error, out, err) == 0 ? ExitCode::kOk : ExitCode::kUsage;
  }

  absl::StatusOr<CommandLine> line = Combine(std::move(values));
  if (!line.ok()) {
    err << "upscale: " << line.status().message() << "\n";
    return ExitCode::kUsage;
  }
  return *std::move(line);
}

}  // namespace upscaler
