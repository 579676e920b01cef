#include "gateway/form_reader.h"

#include <new>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::IsOk;
using test::StatusIs;

// Has memory for so many bytes.
class SmallReader final : public FormReader {
 public:
  absl::Status Read(std::string_view part) override {
    if (part.size() > 3) throw std::bad_alloc();
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<FormField>> Finish() override { return std::vector<FormField>(); }
};

TEST(FormReaderTest, SaysThatMemoryIsShortWhileABodyComes) {
  SmallReader reader;

  EXPECT_THAT(ReadWithinMemory(reader, "abc"), IsOk());
  EXPECT_THAT(ReadWithinMemory(reader, "abcd"), StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace upscaler
