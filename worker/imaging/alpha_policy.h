// What becomes of transparency.

#pragma once

namespace upscaler {

enum class AlphaPolicy {
  kKeep,  // The answer is as transparent as the picture that came.
  kDrop,  // The picture is laid over white.
};

}  // namespace upscaler
