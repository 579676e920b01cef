#include "worker/job_course.h"

#include <utility>

namespace upscaler {
namespace {

// Of a picture's decoding, below the whole: that is said by the end.
constexpr double kLargestShare = 0.999;

}  // namespace

JobCourse::JobCourse(std::size_t pictures, std::vector<Run> runs, bool in_bands)
    : pictures_(pictures), runs_(std::move(runs)), in_bands_(in_bands) {}

int JobCourse::steps_of_picture() const { return StepsBefore(runs_.size()); }

int JobCourse::StepsBefore(std::size_t run) const {
  int steps = 0;
  for (std::size_t i = 0; i < run; ++i) steps += runs_[i].steps;
  return steps;
}

JobProgress JobCourse::Advance(std::size_t picture, const RowAdvance& advance) {
  Picture& advanced = pictures_[picture];
  const Run& run = runs_[advanced.run];
  advanced.begun = true;
  advanced.steps_done = advance.steps_done;
  advanced.way = 0;
  for (std::size_t i = 0; i < advanced.run; ++i) {
    advanced.way += runs_[i].encoding + runs_[i].steps;
  }
  advanced.way += advance.encoding ? run.encoding * advance.share
                                   : run.encoding + advance.steps_done + advance.share;
  if (advance.encoding) return At(Stage::kVaeEncode);
  const bool done = in_last_run(picture) && advance.steps_done == run.steps;
  return At(done ? Stage::kVaeDecode : Stage::kDenoise);
}

JobProgress JobCourse::Decode(std::size_t picture, double share) {
  double way = 0;
  for (const Run& run : runs_) way += run.encoding + run.steps;
  pictures_[picture].way = way + kLargestShare * share;
  return At(Stage::kVaeDecode);
}

void JobCourse::BeginNextRun(std::size_t picture) {
  ++pictures_[picture].run;
  pictures_[picture].steps_done = 0;
}

JobProgress JobCourse::At(Stage stage) const {
  const auto count = static_cast<int>(pictures_.size());
  JobProgress progress{.stage = stage, .total_steps = steps_of_picture() * count};
  double way = 0;
  for (const Picture& picture : pictures_) {
    progress.steps_done += StepsBefore(picture.run) + picture.steps_done;
    way += picture.way;
  }
  double whole = in_bands_ ? count : 1;
  for (const Run& run : runs_) whole += (run.encoding + run.steps) * count;
  progress.fraction = way / whole;
  return progress;
}

JobCourse CourseOf(const UpscaleTask& task, const RequestPlan& plan) {
  std::vector<JobCourse::Run> runs;
  for (const ModelRun& run : plan.runs) {
    const bool encodes = runs.empty() && !task.latents.has_value() && run.tile_side > 0;
    runs.push_back({.steps = task.steps, .encoding = encodes ? 1 : 0});
  }
  const bool in_bands = plan.runs.back().tile_side > 0 && task.output_type == OutputType::kImage;
  return {static_cast<std::size_t>(task.image_count), std::move(runs), in_bands};
}

}  // namespace upscaler
