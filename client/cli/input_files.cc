#include "client/cli/input_files.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <absl/strings/ascii.h>
#include <fmt/format.h>
#include <glob.h>

namespace upscaler {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 10> kPictureSuffixes = {
    ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".gif", ".heic", ".heif", ".avif"};

bool HasPictureSuffix(const fs::path& path) {
  const std::string suffix = absl::AsciiStrToLower(path.extension().string());
  return std::ranges::find(kPictureSuffixes, suffix) != kPictureSuffixes.end();
}

bool IsHidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

bool IsPattern(const std::string& input) { return input.find_first_of("*?[") != std::string::npos; }

// "cat-2x" for "cat-2x-3", which is one of several versions.
std::string_view WithoutNumber(std::string_view name) {
  const std::size_t dash = name.find_last_not_of("0123456789");
  if (dash == std::string_view::npos || name[dash] != '-') return name;
  return name.substr(0, dash);
}

// The matches of a pattern, sorted. Frees what glob(3) allocates.
std::vector<std::string> Matches(const std::string& pattern) {
  glob_t found = {};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  return paths;
}

class Finder {
 public:
  explicit Finder(const InputSearch& search) : search_(search) {}

  void Add(const std::string& input) {
    std::error_code error;
    if (input == "-" || (fs::exists(input, error) && !fs::is_directory(input, error))) {
      found_.files.push_back({.path = input});
    } else if (fs::is_directory(input, error)) {
      AddFolder(input, input);
    } else if (IsPattern(input)) {
      AddMatches(input);
    } else {
      if (!error) error = std::make_error_code(std::errc::no_such_file_or_directory);
      Refuse(input, error.message());
    }
  }

  FoundInputs Take() && { return std::move(found_); }

 private:
  void AddMatches(const std::string& pattern) {
    const std::vector<std::string> matches = Matches(pattern);
    if (matches.empty()) Refuse(pattern, "nothing matches");
    for (const std::string& match : matches) {
      std::error_code error;
      if (fs::is_directory(match, error)) {
        AddFolder(match, match);
      } else if (!fs::is_other(match, error)) {
        found_.files.push_back({.path = match});
      }
    }
  }

  // `folder` is `root`, or lies below it.
  void AddFolder(const fs::path& root, const fs::path& folder) {
    std::error_code error;
    std::vector<fs::directory_entry> entries;
    fs::directory_iterator entry(folder, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      entries.push_back(*entry);
    }
    if (error) return Refuse(folder.string(), error.message());
    std::ranges::sort(entries);
    for (const fs::directory_entry& one : entries) AddEntry(root, one);
  }

  void AddEntry(const fs::path& root, const fs::directory_entry& entry) {
    const fs::path& path = entry.path();
    std::error_code error;
    if (IsHidden(path)) return;
    if (entry.is_directory(error)) {
      // Links to folders may lead in circles.
      if (search_.recursive && !entry.is_symlink(error) && !IsOutputFolder(path)) {
        AddFolder(root, path);
      }
    } else if (entry.is_regular_file(error) && HasPictureSuffix(path) && !IsOutput(path)) {
      const std::string subfolder = path.parent_path().lexically_relative(root).string();
      found_.files.push_back(
          {.path = path.string(), .subfolder = subfolder == "." ? "" : subfolder});
    }
  }

  bool IsOutputFolder(const fs::path& path) const {
    std::error_code error;
    return !search_.output_folder.empty() && fs::equivalent(path, search_.output_folder, error);
  }

  bool IsOutput(const fs::path& path) const {
    if (search_.output_suffix.empty()) return false;
    const std::string name = path.stem().string();
    return name.ends_with(search_.output_suffix) ||
           WithoutNumber(name).ends_with(search_.output_suffix);
  }

  void Refuse(const std::string& input, const std::string& why) {
    found_.errors.push_back(
        {.input = input,
         .status = absl::UnknownError(fmt::format("cannot read {}: {}", input, why))});
  }

  const InputSearch& search_;
  FoundInputs found_;
};

}  // namespace

FoundInputs FindInputs(const std::vector<std::string>& inputs, const InputSearch& search) {
  Finder finder(search);
  for (const std::string& input : inputs) finder.Add(input);
  return std::move(finder).Take();
}

bool IsOneFile(const std::string& input) {
  std::error_code error;
  if (input == "-") return true;
  if (fs::exists(input, error)) return !fs::is_directory(input, error);
  return !IsPattern(input);
}

bool IsNpy(const std::string& path) {
  return absl::AsciiStrToLower(fs::path(path).extension().string()) == ".npy";
}

}  // namespace upscaler
