#include "common/mapped_file.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace upscaler {
namespace {

// Closes a file descriptor at the end of the scope.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return number_; }

 private:
  const int number_;
};

std::string ErrorText() { return std::error_code(errno, std::generic_category()).message(); }

}  // namespace

absl::StatusOr<std::shared_ptr<const MappedFile>> MappedFile::Open(
    const std::filesystem::path& path) {
  const Descriptor file(
      open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // NOLINT(*-vararg): POSIX
  if (file.number() < 0) {
    return absl::NotFoundError(fmt::format("cannot open {}: {}", path.string(), ErrorText()));
  }
  struct stat facts = {};
  if (fstat(file.number(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
    return absl::InvalidArgumentError(fmt::format("{} is not a regular file", path.string()));
  }
  const auto size = static_cast<std::size_t>(facts.st_size);
  if (size == 0) {
    return absl::InvalidArgumentError(fmt::format("{} is empty", path.string()));
  }
  // PROT_WRITE, though nobody writes: tensors over foreign memory are mutable by
  // type, and a private mapping keeps the file safe from them.
  void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.number(), 0);
  if (data == MAP_FAILED) {  // NOLINT(*-cstyle-cast, performance-no-int-to-ptr): POSIX's macro
    return absl::InternalError(fmt::format("cannot map {}: {}", path.string(), ErrorText()));
  }
  // Not make_shared: the constructor is private.
  return std::shared_ptr<const MappedFile>(
      new MappedFile(static_cast<const std::byte*>(data), size));
}

MappedFile::~MappedFile() {
  munmap(const_cast<std::byte*>(data_), size_);  // NOLINT(*-const-cast): munmap's signature
}

}  // namespace upscaler
