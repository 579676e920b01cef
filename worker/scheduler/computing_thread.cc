#include "worker/scheduler/computing_thread.h"

#include <utility>

namespace upscaler {

ComputingThread::~ComputingThread() {
  const MutexLock lock(mutex_);
  closing_ = true;
  changed_.notify_one();
}

void ComputingThread::Add(DecodingTask decoding) {
  const MutexLock lock(mutex_);
  decodings_.push_back(std::move(decoding));
  changed_.notify_one();
}

void ComputingThread::Call(EngineCall call) {
  MutexLock lock(mutex_);
  call_ = &call;
  changed_.notify_one();
  while (call_ != nullptr) lock.Wait(called_);
}

void ComputingThread::Run() {
  bool was_call = false;
  while (true) {
    const EngineCall* call = nullptr;
    DecodingTask decoding;
    {
      MutexLock lock(mutex_);
      while (call_ == nullptr && decodings_.empty() && !closing_) lock.Wait(changed_);
      if (call_ != nullptr && !(was_call && !decodings_.empty())) {
        call = call_;
      } else if (!decodings_.empty()) {
        decoding = std::move(decodings_.front());
        decodings_.pop_front();
      } else {
        return;
      }
    }
    was_call = call != nullptr;
    if (!was_call) {
      std::move(decoding)();
      continue;
    }
    (*call)();
    const MutexLock lock(mutex_);
    call_ = nullptr;
    called_.notify_one();
  }
}

}  // namespace upscaler
