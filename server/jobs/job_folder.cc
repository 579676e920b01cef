#include "server/jobs/job_folder.h"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/crc32.h"
#include "common/error_details.h"
#include "common/status_macros.h"
#include "server/jobs/job_error.h"

namespace upscaler {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRecord = "record";
constexpr std::string_view kPart = ".part";

// An open file, or an errno.
class File {
 public:
  File(const fs::path& path, int flags)
      : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, S_IRUSR | S_IWUSR)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  int Release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

std::string ErrorText(int error) { return std::generic_category().message(error); }

absl::Status StorageError(std::string_view what, int error) {
  const std::string message = fmt::format("{}: {}", what, ErrorText(error));
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    return WithReason(absl::ResourceExhaustedError(message), "STORAGE_FULL");
  }
  return WithReason(absl::InternalError(message), "STORAGE_FAILED");
}

absl::Status WriteError() { return StorageError("the job cannot be kept", errno); }

// Brings the folder's list of files to the disk.
absl::Status SyncFolder(const fs::path& folder) {
  const File file(folder, O_RDONLY | O_DIRECTORY);
  if (!file.is_open() || ::fsync(file.descriptor()) != 0) return WriteError();
  return absl::OkStatus();
}

// Writes the file anew, whole or not at all.
absl::Status WriteFile(const fs::path& path, std::string_view bytes) {
  fs::path part = path;
  part += kPart;
  {
    const File file(part, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file.is_open()) return WriteError();
    while (!bytes.empty()) {
      const ssize_t written = ::write(file.descriptor(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return WriteError();
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(file.descriptor()) != 0) return WriteError();
  }
  if (::rename(part.c_str(), path.c_str()) != 0) return WriteError();
  return absl::OkStatus();
}

std::string PictureName(std::size_t index) { return fmt::format("picture-{}", index); }

std::string HeadOf(std::string_view body) {
  return fmt::format("upscaler-job 1 {:08x}\n", Crc32(body));
}

// 32 hexadecimal digits: what else lies in the folder is not ours.
bool IsJobId(const std::string& name) {
  return name.size() == 32 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// The job in `folder`. kDataLoss says what is wrong.
absl::StatusOr<store::v1::JobRecord> LoadJob(const fs::path& folder) {
  std::ifstream file(folder / kRecord, std::ios::binary);
  std::string head;
  std::getline(file, head);
  const std::string body{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (head + "\n" != HeadOf(body)) {
    return absl::DataLossError("its record is damaged, or of another version");
  }
  store::v1::JobRecord record;
  if (!record.ParseFromString(body) || record.job().job_id() != folder.filename().string() ||
      record.events_size() != static_cast<int>(record.job().last_sequence())) {
    return absl::DataLossError("its record cannot be understood");
  }
  for (const auto& image : record.job().images()) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(folder / PictureName(image.index()), error);
    if (error) return absl::DataLossError("a picture is missing: " + error.message());
    if (size != image.total_bytes()) {
      return absl::DataLossError(
          fmt::format("a picture has {} bytes, not {}", size, image.total_bytes()));
    }
  }
  return record;
}

// Brings pictures to the disk, with their names.
absl::Status WritePictures(const fs::path& folder, const std::vector<std::string>& pictures) {
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    UPSCALER_RETURN_IF_ERROR(WriteFile(folder / PictureName(i), pictures[i]));
  }
  return SyncFolder(folder);
}

}  // namespace

absl::StatusOr<std::unique_ptr<JobFolder>> JobFolder::Open(const fs::path& path) {
  const auto refuse = [&](const std::string& why) {
    return absl::FailedPreconditionError(
        fmt::format("cannot keep jobs in {}: {}", path.string(), why));
  };
  std::error_code error;
  const fs::path jobs = path / "v1";
  fs::create_directories(jobs, error);
  if (error) return refuse(error.message());
  // Pictures of clients are nobody else's.
  fs::permissions(jobs, fs::perms::owner_all, error);
  if (error) return refuse(error.message());
  File lock(path / "lock", O_RDWR | O_CREAT);
  if (!lock.is_open()) return refuse(ErrorText(errno));
  if (::flock(lock.descriptor(), LOCK_EX | LOCK_NB) != 0) {
    return refuse(errno == EWOULDBLOCK ? "another server has this folder" : ErrorText(errno));
  }
  // Not make_unique: the constructor is private.
  return std::unique_ptr<JobFolder>(new JobFolder(jobs, lock.Release()));
}

JobFolder::~JobFolder() { ::close(lock_); }

std::vector<store::v1::JobRecord> JobFolder::Load(
    const std::function<void(const std::string& problem)>& report) {
  std::vector<store::v1::JobRecord> records;
  std::error_code error;
  std::vector<fs::path> folders;
  for (fs::directory_iterator entry(jobs_, error), end; !error && entry != end;
       entry.increment(error)) {
    if (IsJobId(entry->path().filename().string())) folders.push_back(entry->path());
  }
  if (error) report(fmt::format("the jobs' folder cannot be read: {}", error.message()));
  for (const fs::path& folder : folders) {
    if (!fs::exists(folder / kRecord, error) && !error) {
      fs::remove_all(folder, error);
      continue;
    }
    absl::StatusOr<store::v1::JobRecord> record = LoadJob(folder);
    if (record.ok()) {
      records.push_back(*std::move(record));
    } else {
      report(fmt::format("the job in {} is left out: {}", folder.string(),
                         std::string(record.status().message())));
    }
  }
  return records;
}

absl::Status JobFolder::Write(const store::v1::JobRecord& record,
                              const std::vector<std::string>& pictures) {
  const fs::path folder = jobs_ / record.job().job_id();
  std::error_code error;
  const bool made = fs::create_directory(folder, error);
  if (error) return StorageError("the job cannot be kept", error.value());
  if (made) UPSCALER_RETURN_IF_ERROR(SyncFolder(jobs_));
  if (!pictures.empty()) UPSCALER_RETURN_IF_ERROR(WritePictures(folder, pictures));
  const std::string body = record.SerializeAsString();
  UPSCALER_RETURN_IF_ERROR(WriteFile(folder / kRecord, HeadOf(body) + body));
  return SyncFolder(folder);
}

absl::StatusOr<std::string> JobFolder::Read(const std::string& job_id, std::size_t index,
                                            std::uint64_t offset, std::size_t bytes) const {
  constexpr const char* kWhat = "the picture cannot be read";
  const File file(jobs_ / job_id / PictureName(index), O_RDONLY);
  if (!file.is_open()) return errno == ENOENT ? JobGone() : StorageError(kWhat, errno);
  std::string piece(bytes, '\0');
  std::size_t filled = 0;
  while (filled < bytes) {
    const ssize_t got = ::pread(file.descriptor(), piece.data() + filled, bytes - filled,
                                static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return StorageError(kWhat, errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  piece.resize(filled);
  return piece;
}

absl::Status JobFolder::Remove(const std::string& job_id) {
  const fs::path folder = jobs_ / job_id;
  std::error_code error;
  // First, so that what is left of a removal that is cut off counts as a leftover.
  fs::remove(folder / kRecord, error);
  fs::remove_all(folder, error);
  if (error) return StorageError("the job cannot be removed", error.value());
  return absl::OkStatus();
}

}  // namespace upscaler
