#include "common/thread_pool.h"

#include <utility>

namespace upscaler {

ThreadPool::ThreadPool(std::size_t threads) {
  threads_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back(&ThreadPool::Run, this);
}

ThreadPool::~ThreadPool() { Close(); }

bool ThreadPool::Add(Task task) {
  MutexLock lock(mutex_);
  if (over()) return false;
  tasks_.push_back(std::move(task));
  changed_.notify_one();
  return true;
}

void ThreadPool::Close() {
  {
    MutexLock lock(mutex_);
    closing_ = true;
    changed_.notify_all();
  }
  threads_.clear();  // Joins them.
}

void ThreadPool::Run() {
  while (true) {
    Task task;
    {
      MutexLock lock(mutex_);
      // A busy thread may still add a task, so the idle ones stay until all are idle.
      while (tasks_.empty() && !over()) lock.Wait(changed_);
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
      ++busy_;
    }
    std::move(task)();
    task = nullptr;  // What the task holds ends here, not under the lock.
    MutexLock lock(mutex_);
    --busy_;
    if (closing_) changed_.notify_all();
  }
}

}  // namespace upscaler
