#include "common/ticker.h"

#include <utility>

namespace upscaler {

Ticker::Ticker(std::chrono::milliseconds interval, std::function<void()> task)
    : interval_(interval), task_(std::move(task)), thread_(&Ticker::Run, this) {}

Ticker::~Ticker() {
  const MutexLock lock(mutex_);
  ending_ = true;
  changed_.notify_all();
}

void Ticker::Run() {
  while (AwaitNext()) task_();
}

bool Ticker::AwaitNext() {
  const auto next = std::chrono::steady_clock::now() + interval_;
  MutexLock lock(mutex_);
  while (!ending_ && lock.WaitUntil(changed_, next)) continue;
  return !ending_;
}

}  // namespace upscaler
