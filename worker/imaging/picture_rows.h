// A picture that comes to be from the top downwards, for results too large to be whole.

#pragma once

#include <absl/status/statusor.h>

#include "worker/imaging/image.h"

namespace upscaler {

// Not thread-safe, and bound to no thread: whoever reads it may call Next from another thread
// than the one that made it, though never from two at a time.
class PictureRows {
 public:
  virtual ~PictureRows() = default;

  virtual int width() const = 0;
  virtual int height() const = 0;
  virtual int bits() const = 0;  // Of a sample; see Image.

  // The next rows, at least one, as wide as the picture and with its bits. May block for as long
  // as they take to be made. Called no more once all rows have come, or after an error.
  virtual absl::StatusOr<Image> Next() = 0;
};

}  // namespace upscaler
