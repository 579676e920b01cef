#include "server/jobs/job_digest.h"

#include <array>

#include <fmt/format.h>
#include <openssl/evp.h>

namespace upscaler {

void JobDigest::Free::operator()(EVP_MD_CTX* hash) const { EVP_MD_CTX_free(hash); }

JobDigest::JobDigest() : hash_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(hash_.get(), EVP_sha256(), /*impl=*/nullptr);
}

JobDigest::~JobDigest() = default;

void JobDigest::AddInput(std::string_view bytes) {
  EVP_DigestUpdate(hash_.get(), bytes.data(), bytes.size());
}

// The sizes come last and have a fixed length, so that nothing else reads alike.
std::string JobDigest::Finish(const v1::UpscaleSpec& spec, const v1::LatentsInfo* latents) {
  const std::string settings = spec.SerializeAsString();
  const std::string form = latents != nullptr ? latents->SerializeAsString() : std::string();
  AddInput(settings);
  AddInput(form);
  AddInput(fmt::format("{:016x}{:016x}", settings.size(), form.size()));

  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(hash_.get(), digest.data(), &size);
  return {digest.begin(), digest.begin() + size};
}

}  // namespace upscaler
