#include "client/cli/picture_file.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include <absl/strings/ascii.h>
#include <fmt/format.h>
#include <unistd.h>

#include "client/image_format.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

namespace fs = std::filesystem;

absl::Status FileError(std::string_view what, const fs::path& path, const std::error_code& error) {
  return absl::UnknownError(fmt::format("cannot {} {}: {}", what, path.string(), error.message()));
}

std::error_code LastError() { return {errno, std::generic_category()}; }

std::string ReadAll(std::istream& in) {
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

absl::Status WriteDirectly(const fs::path& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  return file ? absl::OkStatus() : FileError("write", path, LastError());
}

// Makes an empty file beside `target` that nobody else writes to. Its name is short, however
// long that of `target` is, and begins with a dot: folders of pictures are read without it.
absl::StatusOr<fs::path> MakeTemporary(const fs::path& target) {
  for (int number = 0;; ++number) {
    const std::string name = fmt::format(".upscale-{}-{}.part", ::getpid(), number);
    fs::path path = target.parent_path() / name;
    // "x": only where there is none of that name, be it another thread's or left behind.
    if (std::FILE* const file = std::fopen(path.c_str(), "wbx")) {
      std::fclose(file);
      return path;
    }
    if (errno != EEXIST) return FileError("write", target, LastError());
  }
}

}  // namespace

absl::StatusOr<std::string> ReadPicture(const std::string& path, std::istream& standard_input) {
  if (path == "-") return ReadAll(standard_input);
  // A folder can be opened like a file, and only reading it fails.
  std::error_code error;
  if (fs::is_directory(path, error)) {
    return FileError("read", path, std::make_error_code(std::errc::is_a_directory));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return FileError("read", path, LastError());
  std::string bytes = ReadAll(file);
  if (file.bad()) return FileError("read", path, LastError());
  return bytes;
}

absl::Status WritePicture(const std::string& path, std::string_view bytes,
                          std::ostream& standard_output) {
  if (path == "-") {
    standard_output.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    standard_output.flush();
    if (standard_output) return absl::OkStatus();
    return FileError("write", "standard output", LastError());
  }

  std::error_code error;
  const bool exists = fs::exists(path, error);
  // Nothing may take the place of a device or a pipe.
  if (exists && !fs::is_regular_file(path, error)) return WriteDirectly(path, bytes);
  // A link stays; the file it leads to is replaced.
  const fs::path target = exists ? fs::canonical(path, error) : fs::path(path);
  if (error) return FileError("write", path, error);

  UPSCALER_ASSIGN_OR_RETURN(const fs::path temporary, MakeTemporary(target));
  absl::Status status = WriteDirectly(temporary, bytes);
  // Where the file system knows no modes, there is none to be kept.
  if (exists) fs::permissions(temporary, fs::status(target, error).permissions(), error);
  if (status.ok()) {
    fs::rename(temporary, target, error);
    if (error) status = FileError("write", target, error);
  }
  if (!status.ok()) fs::remove(temporary, error);
  return status;
}

absl::Status CheckFolderOf(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  std::error_code error;
  if (path == "-" || folder.empty() || fs::is_directory(folder, error)) return absl::OkStatus();
  if (!error) error = std::make_error_code(std::errc::not_a_directory);
  return FileError("write to", folder, error);
}

std::string NumberedPath(const std::string& path, int number) {
  const fs::path whole(path);
  const fs::path name =
      fmt::format("{}-{}{}", whole.stem().string(), number, whole.extension().string());
  return (whole.parent_path() / name).string();
}

std::optional<v1::ImageFormat> FormatOfPath(const std::string& path) {
  const std::string suffix = fs::path(path).extension().string();
  if (suffix.empty()) return std::nullopt;
  return FormatNamed(absl::AsciiStrToLower(suffix.substr(1)));
}

}  // namespace upscaler
