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
  while (true) {
    const EngineCall* call = nullptr;
    {
      MutexLock lock(mutex_);
      while (call_ == nullptr && decodings_.empty() && !closing_) lock.Wait(changed_);
      if (call_ == nullptr && decodings_.empty()) return;
      call = call_;
    }
    if (call != nullptr) (*call)();
    DecodingTask decoding;
    {
      const MutexLock lock(mutex_);
      if (call != nullptr) {
        call_ = nullptr;
        called_.notify_one();
      }
      // Chosen before the next call can come.
      if (!decodings_.empty()) {
        decoding = std::move(decodings_.front());
        decodings_.pop_front();
      }
    }
    if (decoding != nullptr) std::move(decoding)();
  }
}

}  // namespace upscaler
