// What a client asked for, in 32 bytes: whether two requests of one name are one.

#pragma once

#include <string>
#include <string_view>

#include "common/sha256.h"
#include "proto/upscaler/v1/spec.pb.h"

namespace upscaler {

// SHA-256 of a picture as it arrives, and of the settings. Not thread-safe.
class JobDigest {
 public:
  // The next bytes of the input; how they are cut makes no difference.
  void AddInput(std::string_view bytes) { sha256_.Add(bytes); }

  // Of all that was added. `spec` has every default filled in, but no seed that the client
  // did not give: another is drawn at every call. `latents` is null where the input is a
  // picture. Once.
  std::string Finish(const v1::UpscaleSpec& spec, const v1::LatentsInfo* latents);

 private:
  Sha256 sha256_;
};

}  // namespace upscaler
