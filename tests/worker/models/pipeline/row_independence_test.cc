// A row's result does not depend on its neighbours: alone, in a batch of eight of
// other prompts, step counts and progress, and joining it at any step, it comes to
// the same latents and the same picture.

#include <algorithm>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/tensor_matchers.h"
#include "tests/worker/models/pipeline/loaded_pipeline.h"
#include "worker/models/pipeline/pipeline.h"

namespace upscaler {
namespace {

using test::kDemo;
using test::kNarrow;
using test::LoadedPipeline;
using test::TensorNear;

// A batch of another size takes other kernels, which add up in another order. At
// values of order 1; larger ones are rounded by as much more.
constexpr double kTolerance = 1e-5;

// In levels of 255: a value between two of them may be rounded either way.
constexpr int kImageTolerance = 1;

constexpr int kRows = 8;

struct Case {
  const char* checkpoint;
  double guidance_scale;
};

std::ostream& operator<<(std::ostream& out, const Case& batch) {
  return out << batch.checkpoint << ", guidance " << batch.guidance_scale;
}

double ToleranceFor(const at::Tensor& wanted) {
  return kTolerance * std::max(1.0, wanted.abs().max().item<double>());
}

class RowIndependenceTest : public ::testing::TestWithParam<Case> {
 protected:
  // Three to eight steps, four prompts, and a picture and a seed of its own.
  PipelineRequest Request(int row) const {
    const std::int64_t side = std::max<std::int64_t>(32, loaded_.pipeline().minimum_side());
    const std::vector<std::string> prompts = {"a cat", "a dog in the sun", "", "vivid colors"};
    const auto number = static_cast<std::uint64_t>(row);
    return {.pixels = at::randint(0, 256, {side, side * 3 / 2, 3},
                                  at::make_generator<at::CPUGeneratorImpl>(number), at::kByte),
            .prompts = {.prompt = prompts[number % prompts.size()],
                        .negative = row % 3 == 0 ? "blurry" : "",
                        .guidance_scale = GetParam().guidance_scale},
            .steps = 3 + 5 * row % 6,
            .seed = number};
  }

  static bool Done(const PipelineRow& row) { return row.step + 1 == row.sigmas.size(); }

  // Latents after each step, and the picture's pixels.
  struct Course {
    std::vector<at::Tensor> latents;
    at::Tensor picture;
  };

  Course Alone(int number) {
    PipelineRow row = loaded_.Begin(Request(number));
    Course course;
    while (!Done(row)) {
      loaded_.Step({&row});
      course.latents.push_back(row.latents->latents());
    }
    course.picture = loaded_.pipeline().Decode(row.latents->latents());
    return course;
  }

  // Rows that join one after another, `delay` steps apart, and leave when they are done.
  std::vector<Course> Together(int delay) {
    std::vector<PipelineRow> rows;
    for (int i = 0; i < kRows; ++i) rows.push_back(loaded_.Begin(Request(i)));
    std::vector<Course> courses(kRows);
    for (int time = 0; !std::all_of(rows.begin(), rows.end(), Done); ++time) {
      std::vector<PipelineRow*> batch;
      for (int i = 0; i < kRows; ++i) {
        PipelineRow& row = rows[static_cast<std::size_t>(i)];
        if (time >= i * delay && !Done(row)) batch.push_back(&row);
      }
      if (batch.empty()) continue;  // The last ones are done, the next have not come.
      loaded_.Step(batch);
      for (const PipelineRow* row : batch) {
        courses[static_cast<std::size_t>(row - rows.data())].latents.push_back(
            row->latents->latents());
      }
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      courses[i].picture = loaded_.pipeline().Decode(rows[i].latents->latents());
    }
    return courses;
  }

  c10::InferenceMode inference_;
  LoadedPipeline loaded_{GetParam().checkpoint};
};

TEST_P(RowIndependenceTest, GivesARowItsOwnResultWhateverItsNeighbours) {
  std::vector<Course> alone;
  for (int i = 0; i < kRows; ++i) alone.push_back(Alone(i));

  for (const int delay : {0, 1}) {
    const std::vector<Course> together = Together(delay);

    for (std::size_t i = 0; i < together.size(); ++i) {
      SCOPED_TRACE(::testing::Message() << "row " << i << ", joining after " << delay);
      ASSERT_EQ(together[i].latents.size(), alone[i].latents.size());
      for (std::size_t step = 0; step < alone[i].latents.size(); ++step) {
        const at::Tensor& wanted = alone[i].latents[step];
        EXPECT_THAT(together[i].latents[step], TensorNear(wanted, ToleranceFor(wanted)))
            << "step " << step;
      }
      EXPECT_THAT(together[i].picture.to(at::kInt),
                  TensorNear(alone[i].picture.to(at::kInt), kImageTolerance));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, RowIndependenceTest,
                         ::testing::Values(Case{kDemo, 1}, Case{kDemo, 3}, Case{kNarrow, 1},
                                           Case{kNarrow, 3}));

}  // namespace
}  // namespace upscaler
