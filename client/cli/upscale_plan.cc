#include "client/cli/upscale_plan.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "client/cli/input_files.h"
#include "client/cli/picture_file.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

namespace fs = std::filesystem;

bool IsFolder(const std::string& path) {
  std::error_code error;
  return path.ends_with('/') || fs::is_directory(path, error);
}

// Whether the output is one file with the name that was given.
bool NamesOneFile(const CommandLine& line) {
  return line.output == "-" || (line.inputs.size() == 1 && IsOneFile(line.inputs[0]) &&
                                !line.output.empty() && !IsFolder(line.output));
}

// Spelled alike where it is the same file, whether it exists or not.
std::string Identity(const std::string& path) {
  std::error_code error;
  const fs::path whole = fs::absolute(path, error);
  fs::path same = fs::weakly_canonical(whole, error);
  return (error ? whole.lexically_normal() : same).string();
}

InputSearch SearchFor(const CommandLine& line) {
  InputSearch search{.recursive = line.recursive, .output_folder = line.output};
  // Only where outputs and inputs lie side by side can one be taken for the other.
  const bool side_by_side =
      line.output.empty() || std::ranges::any_of(line.inputs, [&](const std::string& input) {
        std::error_code error;
        return fs::equivalent(input, line.output, error);
      });
  if (side_by_side) search.output_suffix = line.suffix;
  return search;
}

absl::StatusOr<v1::ImageFormat> ChooseFormat(const CommandLine& line) {
  if (line.spec.output_type() == v1::OUTPUT_TYPE_LATENTS) return v1::IMAGE_FORMAT_UNSPECIFIED;
  if (line.spec.output_format() != v1::IMAGE_FORMAT_UNSPECIFIED) return line.spec.output_format();
  if (line.output == "-" || !NamesOneFile(line)) return v1::IMAGE_FORMAT_PNG;
  if (const auto format = FormatOfPath(line.output)) return *format;
  return absl::InvalidArgumentError(
      fmt::format("the name {} does not tell the format; give --format", line.output));
}

const char* SuffixOf(const v1::UpscaleSpec& spec) {
  if (spec.output_type() == v1::OUTPUT_TYPE_LATENTS) return ".npy";
  switch (spec.output_format()) {
    case v1::IMAGE_FORMAT_JPEG:
      return ".jpg";
    case v1::IMAGE_FORMAT_WEBP:
      return ".webp";
    case v1::IMAGE_FORMAT_TIFF:
      return ".tiff";
    case v1::IMAGE_FORMAT_AVIF:
      return ".avif";
    default:
      return ".png";
  }
}

std::string OutputNamedAfter(const InputFile& file, const CommandLine& line,
                             const v1::UpscaleSpec& spec) {
  const fs::path input(file.path);
  const fs::path folder =
      line.output.empty() ? input.parent_path() : fs::path(line.output) / file.subfolder;
  return (folder / fmt::format("{}{}{}", input.stem().string(), line.suffix, SuffixOf(spec)))
      .string();
}

std::vector<std::string> Versions(const std::string& output, std::uint32_t count) {
  if (count <= 1) return {output};
  std::vector<std::string> paths;
  for (std::uint32_t i = 1; i <= count; ++i) {
    paths.push_back(NumberedPath(output, static_cast<int>(i)));
  }
  return paths;
}

// Whether no output takes the place of another one, or of an input: of its own one only
// where that is wanted.
absl::Status CheckCollisions(const std::vector<FileTask>& tasks, bool overwrite_input) {
  std::map<std::string, std::string> owners;  // What each output comes from.
  for (const FileTask& task : tasks) {
    for (const std::string& output : task.outputs) {
      const auto [owner, is_new] = owners.emplace(Identity(output), task.input);
      if (is_new) continue;
      return absl::InvalidArgumentError(
          fmt::format("{} and {} would both become {}", owner->second, task.input, output));
    }
  }
  for (const FileTask& task : tasks) {
    const auto owner = owners.find(Identity(task.input));
    if (task.input == "-" || owner == owners.end()) continue;
    const bool by_its_own = owner->second == task.input;
    if (by_its_own && overwrite_input) continue;
    return absl::InvalidArgumentError(fmt::format(
        "{} would be replaced by what becomes of {}; give another -o or --suffix{}", task.input,
        by_its_own ? "it" : owner->second, by_its_own ? ", or --overwrite-input" : ""));
  }
  return absl::OkStatus();
}

absl::Status CheckInputs(const FoundInputs& found, const CommandLine& line, bool one_file) {
  for (const InputFile& file : found.files) {
    if (file.path == "-" && !one_file) {
      return absl::InvalidArgumentError(
          "standard input has no name; give it alone, and a file's name or - with -o");
    }
    if (IsNpy(file.path) && line.latents_family == v1::LATENTS_FAMILY_UNSPECIFIED) {
      return absl::InvalidArgumentError(
          fmt::format("{} holds latents; give --latents-family", file.path));
    }
  }
  if (line.output == "-" && found.files.size() > 1) {
    return absl::InvalidArgumentError("-o - takes one picture; give a folder for several");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<UpscalePlan> MakePlan(const CommandLine& line) {
  const bool one_file = NamesOneFile(line);
  UpscalePlan plan{.spec = line.spec};
  UPSCALER_ASSIGN_OR_RETURN(const v1::ImageFormat format, ChooseFormat(line));
  plan.spec.set_output_format(format);
  FoundInputs found = FindInputs(line.inputs, SearchFor(line));
  UPSCALER_RETURN_IF_ERROR(CheckInputs(found, line, one_file));
  plan.errors = std::move(found.errors);
  for (const InputFile& file : found.files) {
    const std::string output = one_file ? line.output : OutputNamedAfter(file, line, plan.spec);
    plan.tasks.push_back({.input = file.path,
                          .outputs = Versions(output, plan.spec.image_count()),
                          .make_folder = !one_file});
  }
  if (one_file) {
    if (absl::Status status = CheckFolderOf(line.output); !status.ok()) {
      plan.errors.push_back({.input = line.inputs[0], .status = std::move(status)});
      plan.tasks.clear();
    }
  }
  UPSCALER_RETURN_IF_ERROR(CheckCollisions(plan.tasks, line.overwrite_input));
  return plan;
}

}  // namespace upscaler
