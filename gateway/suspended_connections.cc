#include "gateway/suspended_connections.h"

#include <microhttpd.h>

namespace upscaler {

bool SuspendedConnections::Suspend(MHD_Connection* connection) {
  {
    const MutexLock lock(mutex_);
    if (stopped_) return false;
    ++count_;
  }
  MHD_suspend_connection(connection);
  return true;
}

void SuspendedConnections::Resume(MHD_Connection* connection) {
  MHD_resume_connection(connection);
  const MutexLock lock(mutex_);
  --count_;
  fewer_.notify_all();
}

void SuspendedConnections::Stop() {
  const MutexLock lock(mutex_);
  stopped_ = true;
}

void SuspendedConnections::AwaitNone() {
  MutexLock lock(mutex_);
  while (count_ > 0) lock.Wait(fewer_);
}

}  // namespace upscaler
