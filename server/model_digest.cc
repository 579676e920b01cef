#include "server/model_digest.h"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <span>
#include <utility>
#include <vector>

#include <absl/strings/escaping.h>
#include <fmt/format.h>

#include "common/sha256.h"
#include "common/status_macros.h"

namespace upscaler {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

absl::Status CannotRead(const fs::path& path) {
  return absl::FailedPreconditionError(fmt::format("cannot read {}", path.string()));
}

// Every file below `folder`, by its path from there.
absl::StatusOr<std::vector<std::string>> FilesBelow(const fs::path& folder) {
  std::error_code error;
  std::vector<std::string> files;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const bool hidden = entry->path().filename().string().starts_with('.');
    if (hidden) entry.disable_recursion_pending();
    if (!hidden && entry->is_regular_file(error)) {
      files.push_back(entry->path().lexically_relative(folder).generic_string());
    }
  }
  if (error) return CannotRead(folder);
  std::ranges::sort(files);
  return files;
}

absl::Status AddFile(const fs::path& path, const std::stop_token& stop, std::span<char> piece,
                     Sha256& digest) {
  std::ifstream file(path, std::ios::binary);
  while (file) {
    if (stop.stop_requested()) return absl::CancelledError("not wanted any more");
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    digest.Add({piece.data(), static_cast<std::size_t>(file.gcount())});
  }
  return file.eof() ? absl::OkStatus() : CannotRead(path);
}

}  // namespace

absl::StatusOr<std::string> DigestOf(const fs::path& folder, const std::stop_token& stop) {
  UPSCALER_ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesBelow(folder));
  Sha256 digest;
  std::vector<char> piece(kPieceBytes);
  for (const std::string& name : files) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(folder / name, error);
    if (error) return CannotRead(folder / name);
    digest.Add(fmt::format("{}{}{}{}", name, '\0', size, '\0'));
    UPSCALER_RETURN_IF_ERROR(AddFile(folder / name, stop, piece, digest));
  }
  return "sha256:" + absl::BytesToHexString(digest.Finish());
}

ModelDigest::ModelDigest(fs::path folder)
    : thread_([this, folder = std::move(folder)](const std::stop_token& stop) {
        absl::StatusOr<std::string> digest = DigestOf(folder, stop);
        if (!digest.ok()) return;
        MutexLock lock(mutex_);
        value_ = *std::move(digest);
      }) {}

std::string ModelDigest::value() const {
  MutexLock lock(mutex_);
  return value_;
}

}  // namespace upscaler
