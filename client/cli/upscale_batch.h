// All pictures of one command: several at a time, each told when it is finished, and the
// sum of it at the end.

#pragma once

#include <cstddef>
#include <ostream>
#include <set>

#include <absl/base/thread_annotations.h>

#include "client/cli/exit_code.h"
#include "client/cli/file_result.h"
#include "client/cli/upscale_file.h"
#include "common/mutex.h"

namespace upscaler {

// Thread-safe.
class UpscaleBatch {
 public:
  // Writes JSON to `out`, where the command line asks for it, and lines for people with
  // the work's progress display. Both must outlive the batch.
  UpscaleBatch(const CommandLine& line, std::ostream& out, ProgressDisplay& progress);

  // Tells, and counts, what has come of one picture. Says so, once, where `out` does not
  // take it: pictures are made all the same.
  void Report(const FileResult& result) ABSL_LOCKS_EXCLUDED(mutex_);

  // Does all `tasks`, as many at a time as the command line says. Blocks until they are
  // done; begins no more once the work is to stop, the server is given up or, if the user
  // wants that, one failed.
  void Run(const std::vector<FileTask>& tasks, const FileWork& work) ABSL_LOCKS_EXCLUDED(mutex_);

  // "12 done, 3 skipped, 1 failed"
  std::string Summary() const ABSL_LOCKS_EXCLUDED(mutex_);

  // What the command ends with, going by what was reported.
  ExitCode exit_code() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Print(const FileResult& result) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Do(const FileTask& task, const FileWork& work) ABSL_LOCKS_EXCLUDED(mutex_);
  void Count(const FileResult& result) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CountNotBegun() ABSL_LOCKS_EXCLUDED(mutex_);
  bool has_failed() const ABSL_LOCKS_EXCLUDED(mutex_);

  const CommandLine& line_;
  ProgressDisplay& progress_;

  mutable Mutex mutex_;
  std::ostream& out_ ABSL_GUARDED_BY(mutex_);
  std::size_t done_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t skipped_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t failed_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t not_done_ ABSL_GUARDED_BY(mutex_) = 0;  // Interrupted, or not begun.
  bool interrupted_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<ExitCode> failures_ ABSL_GUARDED_BY(mutex_);  // The kinds of them.
};

}  // namespace upscaler
