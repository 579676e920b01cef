// A picture that comes to be from the top, as libvips reads one.

#pragma once

#include <cstddef>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>

#include "common/mutex.h"
#include "worker/imaging/image.h"
#include "worker/imaging/picture_rows.h"
#include "worker/imaging/vips_image.h"

namespace upscaler {

// Holds one band of rows at a time. Thread-safe: libvips asks from threads of its own, one at a
// time, which take turns by locks of GLib's. ThreadSanitizer sees none of these, so there is one
// of ours.
class RowSource {
 public:
  // `rows` must outlive this object, and this object what it makes. Throws vips::VError.
  explicit RowSource(PictureRows& rows);
  // After what libvips' threads did last, also as the lock shows it.
  ~RowSource() { MutexLock lock(mutex_); }
  RowSource(const RowSource&) = delete;
  RowSource& operator=(const RowSource&) = delete;

  // To be read once, from the top downwards.
  const vips::VImage& picture() const { return picture_; }

  // Why rows failed to come, which libvips knows only as an error.
  absl::Status status() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    return error_;
  }

 private:
  // What libvips calls, from its threads.
  static int Generate(VipsRegion* out, void* sequence, void* self, void* unused, int* stop);

  absl::Status Fill(VipsRegion* out) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  PictureRows& rows_;  // Asked with the mutex held: the analysis does not see into lambdas.

  mutable Mutex mutex_;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
  Image band_ ABSL_GUARDED_BY(mutex_);        // The rows that came last.
  int band_top_ ABSL_GUARDED_BY(mutex_) = 0;  // In the picture.
  vips::VImage picture_;
};

}  // namespace upscaler
