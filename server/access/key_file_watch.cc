#include "server/access/key_file_watch.h"

#include <optional>
#include <utility>

namespace upscaler {

KeyFileWatch::KeyFileWatch(KeyFile file, Tell tell, std::chrono::milliseconds interval)
    : tell_(std::move(tell)),
      interval_(interval),
      file_(std::move(file)),
      thread_(&KeyFileWatch::Run, this) {}

KeyFileWatch::~KeyFileWatch() {
  const MutexLock lock(mutex_);
  ending_ = true;
  changed_.notify_all();
}

void KeyFileWatch::Run() {
  while (AwaitNextLook()) {
    std::optional<absl::StatusOr<ApiKeys>> news = file_.ReadIfChanged();
    if (news.has_value()) tell_(*std::move(news));
  }
}

bool KeyFileWatch::AwaitNextLook() {
  const auto next = std::chrono::steady_clock::now() + interval_;
  MutexLock lock(mutex_);
  while (!ending_ && lock.WaitUntil(changed_, next)) continue;
  return !ending_;
}

}  // namespace upscaler
