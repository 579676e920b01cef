#include "server/jobs/job_digest.h"

#include <fmt/format.h>

namespace upscaler {

namespace {

// Of what is digested, below. Digests are kept on disk and outlive the program: with another
// number here, none that an older program made stands for something else by accident.
constexpr int kVersion = 1;

}  // namespace

// The sizes come last and have a fixed length, so that nothing else reads alike.
std::string JobDigest::Finish(const v1::UpscaleSpec& spec, const v1::LatentsInfo* latents) {
  const std::string settings = spec.SerializeAsString();
  const std::string form = latents != nullptr ? latents->SerializeAsString() : std::string();
  AddInput(settings);
  AddInput(form);
  AddInput(fmt::format("{:016x}{:016x}{:08x}", settings.size(), form.size(), kVersion));
  return sha256_.Finish();
}

}  // namespace upscaler
