#include "client/cli/upscale_batch.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/thread_pool.h"

namespace upscaler {

using Outcome = FileResult::Outcome;

UpscaleBatch::UpscaleBatch(const CommandLine& line, std::ostream& out, ProgressDisplay& progress)
    : line_(line), progress_(progress), out_(out) {}

void UpscaleBatch::Report(const FileResult& result) {
  std::string lost;
  {
    const MutexLock lock(mutex_);
    Count(result);
    const bool was_good = out_.good();
    Print(result);
    if (was_good && !out_.good()) lost = std::generic_category().message(errno);
    if (!out_.good()) failures_.insert(ExitCode::kFile);
  }
  if (!lost.empty()) progress_.Say(fmt::format("upscale: cannot write standard output: {}", lost));
  if (result.outcome == Outcome::kEstimated) return;
  for (const std::string& text : InWords(result, line_.quiet)) progress_.Say(text);
}

void UpscaleBatch::Print(const FileResult& result) {
  if (line_.json && result.outcome != Outcome::kInterrupted) {
    using Json = nlohmann::ordered_json;
    out_ << InJson(result).dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
  } else if (result.outcome == Outcome::kEstimated) {
    // An estimate is what was asked for, not a remark on the way.
    for (const std::string& text : InWords(result, /*quiet=*/false)) out_ << text << std::endl;
  }
}

void UpscaleBatch::Run(const std::vector<FileTask>& tasks, const FileWork& work) {
  if (tasks.empty()) return;
  ThreadPool pool(std::min(line_.jobs, tasks.size()));
  for (const FileTask& task : tasks) {
    pool.Add([this, &task, &work] { Do(task, work); });
  }
  // The pool's end waits for all of them.
}

void UpscaleBatch::Do(const FileTask& task, const FileWork& work) {
  if (work.stop.stop_requested()) {
    Report({.outcome = Outcome::kInterrupted, .task = task});
    return;
  }
  if (line_.fail_fast && has_failed()) {
    CountNotBegun();
    return;
  }
  if (absl::Status gone = work.server.status(); !gone.ok()) {
    Report(ServerGone(task, std::move(gone)));
    return;
  }
  const FileResult result = line_.dry_run ? EstimateFile(task, work) : UpscaleFile(task, work);
  progress_.End(task.input);
  Report(result);
}

std::string UpscaleBatch::Summary() const {
  const MutexLock lock(mutex_);
  std::string text = fmt::format("{} {}", done_, line_.dry_run ? "estimated" : "done");
  if (skipped_ > 0) text += fmt::format(", {} skipped", skipped_);
  if (failed_ > 0) text += fmt::format(", {} failed", failed_);
  if (not_done_ > 0) text += fmt::format(", {} not done", not_done_);
  return text;
}

ExitCode UpscaleBatch::exit_code() const {
  const MutexLock lock(mutex_);
  if (interrupted_) return ExitCode::kInterrupted;
  if (failures_.empty()) return ExitCode::kOk;
  return failures_.size() == 1 ? *failures_.begin() : ExitCode::kFailed;
}

void UpscaleBatch::Count(const FileResult& result) {
  switch (result.outcome) {
    case Outcome::kDone:
    case Outcome::kEstimated:
      ++done_;
      break;
    case Outcome::kSkipped:
      ++skipped_;
      break;
    case Outcome::kFailed:
      ++failed_;
      failures_.insert(result.code);
      break;
    case Outcome::kInterrupted:
      ++not_done_;
      interrupted_ = true;
      break;
  }
}

void UpscaleBatch::CountNotBegun() {
  const MutexLock lock(mutex_);
  ++not_done_;
}

bool UpscaleBatch::has_failed() const {
  const MutexLock lock(mutex_);
  return failed_ > 0;
}

}  // namespace upscaler
