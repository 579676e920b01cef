// Jobs on disk.
//
// The layout, version 1:
//
//   <folder>/lock                    held by the server that has the folder
//   <folder>/v1/<job id>/record      "upscaler-job 1 <CRC-32 of the rest>\n" and then
//                                    a serialized upscaler.store.v1.JobRecord
//   <folder>/v1/<job id>/picture-0   the bytes of the pictures, by their index
//
// Each file is written as <name>.part, brought to the disk, and renamed, the record last.
// So what a record says is there, whenever the server ends, and what no record speaks of
// can be thrown away.

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "proto/upscaler/store/v1/job_record.pb.h"

namespace upscaler {

// All methods block on the disk. Their errors say nothing of paths: clients read them.
// Thread-safe for different jobs; one thread at a time writes or removes one job, which
// others may read meanwhile.
class JobFolder {
 public:
  // Makes the folder if it is not there. kFailedPrecondition when it cannot be made, or
  // written to, or when another server has it.
  static absl::StatusOr<std::unique_ptr<JobFolder>> Open(const std::filesystem::path& path);

  ~JobFolder();
  JobFolder(const JobFolder&) = delete;
  JobFolder& operator=(const JobFolder&) = delete;

  // All jobs that can be read, in any order. Throws leftovers away. What cannot be read
  // stays as it is, and is reported in words.
  std::vector<store::v1::JobRecord> Load(
      const std::function<void(const std::string& problem)>& report);

  // Writes a job, its pictures first; without pictures those that there are stay. On
  // return it is on the disk. kResourceExhausted, reason STORAGE_FULL, when there is no
  // room; kInternal, reason STORAGE_FAILED, otherwise; then what was there before stays.
  absl::Status Write(const store::v1::JobRecord& record, const std::vector<std::string>& pictures);

  // At most `bytes` of a picture from `offset` on. kNotFound, reason JOB_GONE, when
  // it is not there any more; else as Write.
  absl::StatusOr<std::string> Read(const std::string& job_id, std::size_t index,
                                   std::uint64_t offset, std::size_t bytes) const;

  // Removes a job, if it is there.
  absl::Status Remove(const std::string& job_id);

 private:
  JobFolder(std::filesystem::path jobs, int lock) : jobs_(std::move(jobs)), lock_(lock) {}

  const std::filesystem::path jobs_;
  const int lock_;  // The open lock file.
};

}  // namespace upscaler
