#include "server/access/key_file.h"

#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace upscaler {
namespace {

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::error_code ignored;
  // A pipe or a device would have us wait, or read for ever.
  if (!std::filesystem::is_regular_file(path, ignored)) {
    return absl::FailedPreconditionError(
        fmt::format("cannot read the keys in {}: it is not there, or not a file", path));
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(KeyFile::kMaxBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) {
    return absl::FailedPreconditionError(fmt::format("cannot read the keys in {}", path));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > KeyFile::kMaxBytes) {
    return absl::FailedPreconditionError(
        fmt::format("{} has more than {} bytes, too many for keys", path, KeyFile::kMaxBytes));
  }
  return text;
}

}  // namespace

KeyFile::KeyFile(std::string path) : path_(std::move(path)) {}

std::optional<absl::StatusOr<ApiKeys>> KeyFile::ReadIfChanged() {
  const absl::StatusOr<std::string> text = ReadText(path_);
  const std::optional<KeyDigest> digest = text.ok() ? DigestOf(*text) : std::nullopt;
  if (std::exchange(read_, true) && digest == digest_) return std::nullopt;
  digest_ = digest;
  if (!text.ok()) return text.status();
  return ApiKeys::Parse(*text, path_);
}

}  // namespace upscaler
