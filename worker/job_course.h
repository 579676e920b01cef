// How far the pictures of a request have come.

#pragma once

#include <cstddef>
#include <vector>

#include "worker/queue/row.h"
#include "worker/request_plan.h"
#include "worker/scheduler/observer.h"
#include "worker/upscale_task.h"

namespace upscaler {

// Not thread-safe: the job guards it.
class JobCourse {
 public:
  // What a run of the model counts for in a picture's progress, in steps. Where it is done in
  // tiles, its encoding takes about as long as a step.
  struct Run {
    int steps = 1;
    int encoding = 0;  // 1 where it counts.
  };

  JobCourse() = default;
  // `in_bands`: whether each picture is decoded in bands, which then counts as one step more.
  // Otherwise the decoding of all does: it comes after the last step and takes its time.
  JobCourse(std::size_t pictures, std::vector<Run> runs, bool in_bands);

  // The run that a picture is in, from 0, and whether a row of it has left the queue.
  std::size_t run(std::size_t picture) const { return pictures_[picture].run; }
  bool begun(std::size_t picture) const { return pictures_[picture].begun; }
  bool in_last_run(std::size_t picture) const { return run(picture) + 1 == runs_.size(); }
  // Over all runs.
  int steps_of_picture() const;
  int StepsBefore(std::size_t run) const;

  // A picture's row has advanced. What there is to be told.
  JobProgress Advance(std::size_t picture, const RowAdvance& advance);
  // So much of the picture, from 0 to 1, is decoded.
  JobProgress Decode(std::size_t picture, double share);
  // The picture goes into its next run.
  void BeginNextRun(std::size_t picture);

 private:
  struct Picture {
    std::size_t run = 0;
    bool begun = false;
    int steps_done = 0;  // Of this run.
    double way = 0;      // Of all runs, in what they count for.
  };

  JobProgress At(Stage stage) const;

  std::vector<Picture> pictures_;
  std::vector<Run> runs_;
  bool in_bands_ = false;
};

// That of a request that is taken on.
JobCourse CourseOf(const UpscaleTask& task, const RequestPlan& plan);

}  // namespace upscaler
