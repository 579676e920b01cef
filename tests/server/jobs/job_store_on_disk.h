// The store on disk, as a server that starts opens it, and starts again.

#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/mutex.h"
#include "server/jobs/job_store.h"
#include "tests/support/jobs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler::test {

class JobStoreOnDisk : public ::testing::Test {
 protected:
  JobStoreOnDisk() { Start(); }

  void Start(const JobTable::Limits& limits = {}) {
    store_.reset();
    store_ = JobStore::Open({.limits = limits,
                             .ttl = std::chrono::seconds(60),
                             .folder = disk_.path(),
                             .now = [this] { return clock_.Now(); },
                             .make_id = make_id_,
                             .report =
                                 [this](const std::string& problem) {
                                   MutexLock lock(mutex_);
                                   problems_.push_back(problem);
                                 },
                             .on_end =
                                 [this](const Job::Origin& job, const JobEnd& end) {
                                   MutexLock lock(mutex_);
                                   ends_.emplace_back(job.id, end.state);
                                 }})
                 .value();
  }

  std::shared_ptr<Job> Admitted(const std::string& request_id = "") {
    std::shared_ptr<Job> job =
        store_->Create({.caller = "ann", .request_id = request_id, .digest = "asked"}).value().job;
    job->AddEvent(AcceptedEvent());
    store_->Admit(job);
    AwaitAdmission(job);
    return job;
  }
  std::shared_ptr<Job> Finished(std::vector<std::string> pictures) {
    std::shared_ptr<Job> job = Admitted("mine");
    job->AddEvent(ProgressEvent(1));
    store_->Finish(job, ResultWith(std::move(pictures)));
    EXPECT_THAT(AwaitEnd(job), IsOk());
    return job;
  }

  absl::StatusOr<std::shared_ptr<Job>> Find(const std::shared_ptr<Job>& job) const {
    return store_->Find("ann", job->origin().id);
  }

  absl::StatusOr<std::string> Read(const std::shared_ptr<Job>& job, std::size_t index,
                                   std::uint64_t offset) {
    absl::StatusOr<std::string> result;
    std::latch done(1);
    store_->Read(job, index, offset, /*bytes=*/1000, [&](absl::StatusOr<std::string> bytes) {
      result = std::move(bytes);
      done.count_down();
    });
    done.wait();
    return result;
  }

  absl::Status Delete(const std::shared_ptr<Job>& job) {
    absl::Status result;
    std::latch done(1);
    store_->Delete("ann", job->origin().id, [&](const absl::Status& status) {
      result = status;
      done.count_down();
    });
    done.wait();
    return result;
  }

  std::filesystem::path PathOf(const std::shared_ptr<Job>& job) const {
    return disk_.path() / "v1" / job->origin().id;
  }

  std::vector<std::string> problems() const {
    MutexLock lock(mutex_);
    return problems_;
  }
  std::vector<std::pair<std::string, v1::UpscaleJobState>> ends() const {
    MutexLock lock(mutex_);
    return ends_;
  }

  const TemporaryFolder disk_;
  FakeSystemClock clock_;
  std::function<std::string()> make_id_ = CountingIds();
  mutable Mutex mutex_;
  std::vector<std::string> problems_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::pair<std::string, v1::UpscaleJobState>> ends_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<JobStore> store_;
};

}  // namespace upscaler::test
