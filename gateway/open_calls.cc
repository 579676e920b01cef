#include "gateway/open_calls.h"

namespace upscaler {

OpenCalls::~OpenCalls() {
  MutexLock lock(mutex_);
  while (count_ > 0) lock.Wait(fewer_);
}

OpenCalls::Pass OpenCalls::Enter() {
  {
    const MutexLock lock(mutex_);
    ++count_;
  }
  return {this, [](void* calls) { static_cast<OpenCalls*>(calls)->Leave(); }};
}

void OpenCalls::Leave() {
  const MutexLock lock(mutex_);
  --count_;
  fewer_.notify_all();
}

}  // namespace upscaler
