#include "common/sha256.h"

#include <string>

#include <absl/strings/escaping.h>
#include <gtest/gtest.h>

namespace upscaler {
namespace {

TEST(Sha256Test, IsTheStandards) {
  Sha256 digest;
  digest.Add("a");
  digest.Add("bc");

  // FIPS 180-4's example.
  EXPECT_EQ(absl::BytesToHexString(digest.Finish()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace upscaler
