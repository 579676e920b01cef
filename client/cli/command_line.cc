#include "client/cli/command_line.h"

#include <algorithm>
#include <cstdint>
#include <fstream>

#include <CLI/CLI.hpp>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/ascii.h>
#include <fmt/format.h>

#include "client/cli/help_text.h"
#include "client/image_format.h"
#include "client/image_size.h"
#include "client/spec_names.h"
#include "common/status_macros.h"
#include "common/version.h"

namespace upscaler {
namespace {

constexpr int kMaxSeconds = 365 * 24 * 3600;
constexpr int kMaxJobs = 256;

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
  std::optional<std::uint32_t> scale;
  std::optional<std::uint32_t> tile_size;
  std::optional<std::uint32_t> bit_depth;
  bool lossless = false;
  bool no_parameters = false;
  std::string size;
  std::string alpha;
  std::string metadata;
  std::string format;
  std::string output_type;
  std::string latents_family;
  std::optional<double> timeout_seconds;
  std::optional<double> retry_seconds;
  std::string api_key_file;
};

// CLI11 alone reads "-1" as a very large number.
std::string CheckNatural(const std::string& text) {
  if (text.find_first_not_of("0123456789") == std::string::npos) return "";
  return fmt::format("'{}' given; a whole number, 0 or more, is allowed", text);
}

std::string CheckSize(const std::string& text) {
  if (SizeNamed(text).has_value()) return "";
  return fmt::format("'{}' given; WxH such as 640x480 is allowed", text);
}

void DescribeFiles(CLI::App& app, Values& values) {
  app.option_defaults()->group("Files");
  app.add_option("INPUT", values.line.inputs,
                 "Pictures (PNG, JPEG, WebP, TIFF, GIF, HEIC, AVIF), folders of them, patterns in "
                 "quotes, or - for standard input")
      ->required()
      ->option_text("...");
  app.add_option("-o,--output", values.line.output,
                 "A file, a folder, or - for standard output (default: beside each input)")
      ->option_text("PATH");
  app.add_flag("-r,--recursive", values.line.recursive,
               "Look into the folders' folders, too (default: only into the folders themselves)");
  app.add_option("--suffix", values.line.suffix,
                 "Ends the names of outputs that are named after inputs, as in --suffix=-big "
                 "(default: -2x, or -4x with --scale 4)")
      ->option_text("TEXT");
  app.add_flag("--skip-existing", values.line.skip_existing,
               "Leave out what has an output already that is not empty (default: write it anew)");
  app.add_flag("--overwrite-input", values.line.overwrite_input,
               "Let a picture take the place of its own input (default: that is a mistake)");
  CLI::Option* const fail_fast = app.add_flag("--fail-fast", values.line.fail_fast,
                                              "Begin no more pictures after one has failed");
  app.add_flag("--keep-going")
      ->description("Go on after one has failed, which is the default")
      ->excludes(fail_fast);
  app.add_flag("--dry-run", values.line.dry_run,
               "Ask the server what the pictures would take, and write nothing");
}

void DescribePicture(CLI::App& app, Values& values) {
  app.option_defaults()->group("Pictures");
  app.add_option("--prompt", values.prompt, "What the picture shows (default: none)")
      ->option_text("TEXT");
  app.add_option("--negative-prompt", values.negative_prompt,
                 "What it shall not show (default: none)")
      ->option_text("TEXT");
  app.add_option("--guidance-scale", values.guidance_scale,
                 "How strongly to follow the prompt, 0 to 50 (default: 7.5)")
      ->type_name("NUMBER");
  app.add_option("--steps", values.steps, "Denoising steps, 1 to 200 (default: 25)")
      ->type_name("NUMBER")
      ->check(CheckNatural);
  app.add_option("--seed", values.seed,
                 "The same seed gives the same picture; further versions add 1 each (default: a "
                 "random one)")
      ->type_name("NUMBER")
      ->check(CheckNatural);
  app.add_option("-n,--n", values.image_count, "How many versions to make, 1 to 10 (default: 1)")
      ->type_name("NUMBER")
      ->check(CheckNatural);
  app.add_option("--resize", values.size,
                 "Bring pictures to this size first, whatever their proportions; outputs are twice "
                 "as large, or --scale times (default: as they are)")
      ->option_text("WxH")
      ->check(CheckSize);
  app.add_option("--scale", values.scale,
                 "How many times as wide and as high outputs are, 2 or 4; for 4 the model runs "
                 "twice (default: 2)")
      ->option_text("NUMBER")
      ->check(CLI::IsMember({2, 4}));
  app.add_option("--tile-size", values.tile_size,
                 "Do pictures in parts of so many pixels of the input a side, 64 to 4096; 0: as a "
                 "whole where memory allows (default: 0)")
      ->type_name("NUMBER")
      ->check(CheckNatural);
}

void DescribeOutput(CLI::App& app, Values& values) {
  app.option_defaults()->group("Outputs");
  app.add_option("--format", values.format,
                 "png, jpeg, webp, tiff or avif (default: what the name given with -o says, or "
                 "else png)")
      ->check(CLI::IsMember({"png", "jpeg", "webp", "tiff", "avif"}))
      ->option_text("FORMAT");
  app.add_option("--quality", values.quality, "Of jpeg, webp and avif, 0 to 100 (default: 90)")
      ->type_name("NUMBER")
      ->check(CheckNatural);
  app.add_flag("--lossless", values.lossless, "Write webp and avif without loss");
  app.add_option("--bit-depth", values.bit_depth,
                 "Bits of a sample of png and tiff, 8 or 16 (default: 8)")
      ->option_text("NUMBER")
      ->check(CLI::IsMember({8, 16}));
  app.add_option("--alpha", values.alpha,
                 "keep transparency, or drop it: lay pictures over white (default: keep)")
      ->check(CLI::IsMember({"keep", "drop"}))
      ->option_text("WHAT");
  app.add_option(
         "--metadata", values.metadata,
         "What outputs have of EXIF, XMP, IPTC and the colour profile: all but the GPS position "
         "(keep), all, the profile alone (color), nothing (strip) (default: keep)")
      ->check(CLI::IsMember({"keep", "all", "color", "strip"}))
      ->option_text("WHAT");
  app.add_flag("--no-parameters", values.no_parameters,
               "Do not write into outputs what made them (default: prompts, seed and so on are)");
  app.add_option("--output-type", values.output_type,
                 "image, or latents: float32 [channels, height, width] as a .npy file (default: "
                 "image)")
      ->check(CLI::IsMember({"image", "latents"}))
      ->option_text("TYPE");
  app.add_option(
         "--latents-family", values.latents_family,
         "Take .npy files for latents of Stable Diffusion 1.x (sd1) or 2.x (sd2), or of the "
         "served model itself (served) (default: .npy files are refused)")
      ->check(CLI::IsMember({"sd1", "sd2", "served"}))
      ->option_text("FAMILY");
}

void DescribeServer(CLI::App& app, Values& values) {
  app.option_defaults()->group("Server");
  app.add_option(
         "--server", values.line.server.target,
         "The server's gRPC address (default: that in UPSCALER_SERVER, or else localhost:8998)")
      ->option_text("HOST:PORT")
      ->envname("UPSCALER_SERVER")
      ->default_val("localhost:8998");
  app.add_option(
         "--api-key", values.line.api_key,
         "The key, if the server wants one; others may see it here, but not in the variable "
         "or in a file (default: that in UPSCALER_API_KEY, or else none)")
      ->option_text("KEY")
      ->envname("UPSCALER_API_KEY");
  app.add_option("--api-key-file", values.api_key_file,
                 "The key is this file's first line (default: no file)")
      ->option_text("FILE");
  app.add_flag("--tls", values.line.server.tls,
               "Connect with TLS; the files below imply it (default: nothing is encrypted)");
  app.add_option("--tls-ca", values.line.server.ca_file,
                 "Who may vouch for the server, as PEM (default: whom the system trusts)")
      ->option_text("FILE");
  CLI::Option* const certificate =
      app.add_option(
             "--tls-cert", values.line.server.certificate_file,
             "The client's own certificate, as PEM, if the server wants one (default: none)")
          ->option_text("FILE");
  CLI::Option* const key =
      app.add_option("--tls-key", values.line.server.key_file, "Its key, as PEM (default: none)")
          ->option_text("FILE");
  certificate->needs(key);
  key->needs(certificate);
  CLI::Option* const local =
      app.add_flag("--local", values.line.local,
                   "Start a server for this command alone, which takes no UPSCALER_... variables "
                   "(default: use the one at --server)");
  app.add_option("--model", values.line.model,
                 "Its model's folder (default: the one that the server program was built with)")
      ->option_text("FOLDER")
      ->needs(local);
}

void DescribeRun(CLI::App& app, Values& values) {
  app.option_defaults()->group("Run");
  app.add_option("--jobs", values.line.jobs, "Requests at a time, 1 to 256 (default: 2)")
      ->option_text("NUMBER")
      ->check(CheckNatural)
      ->check(CLI::Range(1, kMaxJobs));
  app.add_option("--timeout", values.timeout_seconds,
                 "Give a picture up after this time, tries and waits included, and a --local "
                 "server that is not ready by then (default: never)")
      ->type_name("SECONDS");
  app.add_option("--retry", values.retry_seconds,
                 "How long to try a picture again where the server is full, starting or away; one "
                 "that has been away for so long is given up for all pictures; 0: never (default: "
                 "600, but a server that is away at the start is not waited for)")
      ->type_name("SECONDS");
  app.add_flag("--quiet", values.line.quiet, "Show errors only");
  app.add_flag("--json", values.line.json, "Print a line of JSON about each picture");
  app.set_version_flag("--version", fmt::format("upscale {}", kVersion));
}

v1::UpscaleSpec MakeSpec(const Values& values) {
  v1::UpscaleSpec spec;
  spec.set_prompt(values.prompt);
  spec.set_negative_prompt(values.negative_prompt);
  if (values.guidance_scale.has_value()) spec.set_guidance_scale(*values.guidance_scale);
  if (values.steps.has_value()) spec.set_num_inference_steps(*values.steps);
  if (values.seed.has_value()) spec.set_seed(*values.seed);
  if (values.image_count.has_value()) spec.set_image_count(*values.image_count);
  if (values.quality.has_value()) spec.set_quality(*values.quality);
  if (const auto size = SizeNamed(values.size)) *spec.mutable_resize_to() = *size;
  if (values.scale.has_value()) spec.set_scale(*values.scale);
  if (values.tile_size.has_value()) spec.set_tile_size(*values.tile_size);
  if (const auto format = FormatNamed(values.format)) spec.set_output_format(*format);
  if (values.lossless) spec.set_lossless(true);
  if (values.bit_depth.has_value()) spec.set_bit_depth(*values.bit_depth);
  if (const auto alpha = AlphaNamed(values.alpha)) spec.set_alpha(*alpha);
  if (const auto metadata = MetadataNamed(values.metadata)) spec.set_metadata(*metadata);
  if (values.no_parameters) spec.set_embed_parameters(false);
  if (values.output_type == "latents") spec.set_output_type(v1::OUTPUT_TYPE_LATENTS);
  return spec;
}

v1::LatentsFamily FamilyNamed(const std::string& name) {
  if (name == "sd1") return v1::LATENTS_FAMILY_STABLE_DIFFUSION_1;
  if (name == "sd2") return v1::LATENTS_FAMILY_STABLE_DIFFUSION_2;
  if (name == "served") return v1::LATENTS_FAMILY_SERVED_MODEL;
  return v1::LATENTS_FAMILY_UNSPECIFIED;
}

// Of an option that may be left out.
absl::StatusOr<std::optional<std::chrono::milliseconds>> ReadSeconds(const char* option,
                                                                     std::optional<double> seconds,
                                                                     bool zero_allowed) {
  if (!seconds.has_value()) return std::nullopt;
  const bool allowed = *seconds > 0 || (zero_allowed && *seconds == 0);
  if (!allowed || !(*seconds <= kMaxSeconds)) {
    return absl::InvalidArgumentError(
        fmt::format("{}: {} given; {} and at most {} seconds are allowed", option, *seconds,
                    zero_allowed ? "0 or more" : "more than 0", kMaxSeconds));
  }
  return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(*seconds));
}

absl::StatusOr<std::string> ReadFirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string first;
  if (std::getline(file, first)) return std::string(absl::StripAsciiWhitespace(first));
  return absl::NotFoundError(fmt::format("--api-key-file: cannot read {}", path));
}

// The rules that hold between options.
absl::StatusOr<CommandLine> Combine(Values values) {
  CommandLine& line = values.line;
  if (line.output == "-" && line.json) {
    return absl::InvalidArgumentError("--json and -o - both want standard output");
  }
  if (line.output == "-" && values.image_count.value_or(1) > 1) {
    return absl::InvalidArgumentError("-o - takes one picture; give a file's name for --n above 1");
  }
  if (line.suffix.find('/') != std::string::npos) {
    return absl::InvalidArgumentError("--suffix: '/' given; a part of a file's name is allowed");
  }
  line.spec = MakeSpec(values);
  line.latents_family = FamilyNamed(values.latents_family);
  UPSCALER_ASSIGN_OR_RETURN(line.timeout, ReadSeconds("--timeout", values.timeout_seconds, false));
  UPSCALER_ASSIGN_OR_RETURN(line.retry_for, ReadSeconds("--retry", values.retry_seconds, true));
  if (!values.api_key_file.empty()) {
    UPSCALER_ASSIGN_OR_RETURN(line.api_key, ReadFirstLine(values.api_key_file));
  }
  if (!line.server.ca_file.empty() || !line.server.certificate_file.empty()) {
    line.server.tls = true;
  }
  return line;
}

}  // namespace

std::variant<CommandLine, ExitCode> ParseCommandLine(int argc, const char* const* argv,
                                                     std::ostream& out, std::ostream& err) {
  CLI::App app(kHelpDescription, "upscale");
  app.footer(kHelpFooter);
  Values values;
  DescribeFiles(app, values);
  DescribePicture(app, values);
  DescribeOutput(app, values);
  DescribeServer(app, values);
  DescribeRun(app, values);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // --help and --version come this way too.
    return app.exit(error, out, err) == 0 ? ExitCode::kOk : ExitCode::kUsage;
  }

  if (app.count("--suffix") == 0 && values.scale == 4U) values.line.suffix = "-4x";
  absl::StatusOr<CommandLine> line = Combine(std::move(values));
  if (!line.ok()) {
    err << "upscale: " << line.status().message() << "\n";
    return absl::IsNotFound(line.status()) ? ExitCode::kFile : ExitCode::kUsage;
  }
  return *std::move(line);
}

}  // namespace upscaler
