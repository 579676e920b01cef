// Ends calls whose client has stopped to do its part.
//
// A client that sends half a picture, or takes none of the bytes that it asked for, holds
// memory for as long as it is connected. Whether it is slow or gone cannot be told, so
// each has a limited time for everything that it has to do.

#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>

#include <absl/base/thread_annotations.h>

#include "common/clock.h"
#include "common/mutex.h"

namespace upscaler {

// Thread-safe.
class StallWatch {
 public:
  // A client may take `patience` for what is expected of it. `clock` must outlive the watch.
  StallWatch(const Clock& clock, std::chrono::milliseconds patience)
      : clock_(clock), patience_(patience) {}
  StallWatch(const StallWatch&) = delete;
  StallWatch& operator=(const StallWatch&) = delete;

 private:
  struct Entry {
    TimePoint due{};        // When the client has taken too long.
    bool expected = false;  // Whether anything is expected of it at present.
    std::function<void()> on_stall{};
  };

 public:
  // One client, from construction to destruction. Must not outlive the watch.
  class Watched {
   public:
    // `on_stall` is called at most once for each Expect, on the thread that looks. It must
    // not block and not destroy this; the destructor waits until it has returned.
    Watched(StallWatch& watch, std::function<void()> on_stall);
    ~Watched();
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

    // The client has the whole time, from now on, to do something: send so much, or take a
    // message.
    void Expect();
    // It has done something, and need not do more at present.
    void Rest();
    // It goes on with what it had to do, in what is left of its time.
    void Resume();

   private:
    StallWatch& watch_;
    const std::list<Entry>::iterator entry_;
  };

  // Calls on_stall of those who took too long. To be called every now and then.
  void Look() ABSL_LOCKS_EXCLUDED(mutex_);

  // Blocks until nobody is watched any more, or until `deadline` of the steady clock.
  void AwaitNobody(TimePoint deadline) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  std::list<Entry>::iterator Enter(std::function<void()> on_stall) ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave(std::list<Entry>::iterator entry) ABSL_LOCKS_EXCLUDED(mutex_);

  const Clock& clock_;
  const std::chrono::milliseconds patience_;

  // Held while on_stall is called, so that nobody leaves meanwhile.
  Mutex mutex_;
  std::condition_variable fewer_;  // Somebody has left.
  std::list<Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace upscaler
