#include "worker/imaging/vips_library.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <vips/vips8>

#include "tests/support/started_vips.h"
#include "tests/worker/imaging/sample_files.h"

namespace upscaler {
namespace {

class VipsLibraryTest : public ::testing::Test {
 protected:
  static vips::VImage Load(const std::string& file) {
    return vips::VImage::new_from_buffer(file.data(), file.size(), /*option_string=*/"");
  }

  VipsLibrary& vips_ = test::StartedVips();
};

TEST_F(VipsLibraryTest, BlocksLoadersThatLibvipsDoesNotTrust) {
  const std::string portable_pixmap = test::FileOf(test::Flat(2, 2, {1, 2, 3}), ".ppm");

  EXPECT_THROW(Load(portable_pixmap), vips::VError);
}

TEST_F(VipsLibraryTest, BlocksLoadersThatAreTrustedAndNotNeeded) {
  const std::string path = ::testing::TempDir() + "vips_library_test.mat";
  test::Flat(2, 2, {1}, VIPS_INTERPRETATION_MATRIX).matrixsave(path.c_str());

  EXPECT_THROW(vips::VImage::matrixload(path.c_str()), vips::VError);
  std::filesystem::remove(path);
}

TEST_F(VipsLibraryTest, LeavesTheOthersAlone) {
  for (const char* suffix : {".png", ".jpg", ".webp", ".tif", ".gif"}) {
    EXPECT_EQ(Load(test::FileOf(test::Flat(2, 2, {1, 2, 3}), suffix)).width(), 2) << suffix;
  }
}

}  // namespace
}  // namespace upscaler
