#include "server/jobs/job_disk.h"

#include <utility>

#include "common/error_details.h"

namespace upscaler {
namespace {

void DoOn(ThreadPool& pool, JobDisk::Work work) {
  // Shared with the pool, which lets go of it where it is closed.
  const auto shared = std::make_shared<JobDisk::Work>(std::move(work));
  const bool added = pool.Add([shared] { std::move (*shared)(absl::OkStatus()); });
  if (!added) std::move (*shared)(DrainingError());
}

}  // namespace

JobDisk::JobDisk(std::unique_ptr<JobFolder> folder) : folder_(std::move(folder)) {}

void JobDisk::OnReader(Work work) { DoOn(reader_, std::move(work)); }

void JobDisk::OnWriter(Work work) { DoOn(writer_, std::move(work)); }

void JobDisk::Close() {
  reader_.Close();
  writer_.Close();
}

}  // namespace upscaler
