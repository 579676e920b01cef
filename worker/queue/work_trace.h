// Which part of a request's work was done when, for whoever follows requests one by one.
//
// The observer counts over all requests; this tells of one. Most requests are not followed,
// and then nothing is told.

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/clock.h"

namespace upscaler {

enum class WorkPart {
  kDecodePicture,  // From bytes to pixels; of all pictures of a request at once.
  kQueue,          // Waiting for a replica.
  kText,
  kVaeEncode,
  kSteps,  // From the first to the last, with what other rows took between them.
  kVaeDecode,
  kEncodePicture,
};

// One forward pass, which several rows may have shared.
struct SharedStep {
  TimePoint start{};
  TimePoint end{};
  std::size_t rows = 0;  // Or tiles.
  int width = 0;         // Of each, in pixels.
  int height = 0;
  std::string_view device{};
};

// Hears of one request from the threads that work on it. Thread-safe, as every
// implementation must be. Calls return at once.
class WorkTrace {
 public:
  virtual ~WorkTrace() = default;

  // A part of what is done for the picture `image` of the request is over.
  virtual void OnPart(int image, WorkPart part, TimePoint start, TimePoint end) = 0;

  // A step was done: told to one of the requests that shared it. Its name, for all of them.
  virtual std::string NameStep(const SharedStep& step) = 0;
  // The picture had its part in the step of that name.
  virtual void OnStep(int image, const std::string& step) = 0;
};

// The picture of a request that a row is, if the request is followed.
class RowTrace {
 public:
  RowTrace() = default;
  RowTrace(std::shared_ptr<WorkTrace> work, int image) : work_(std::move(work)), image_(image) {}

  bool followed() const { return work_ != nullptr; }

  void OnPart(WorkPart part, TimePoint start, TimePoint end) const {
    if (followed()) work_->OnPart(image_, part, start, end);
  }

  // These two for rows that are followed only; as WorkTrace.
  std::string NameStep(const SharedStep& step) const { return work_->NameStep(step); }
  void OnStep(const std::string& step) const { work_->OnStep(image_, step); }

 private:
  std::shared_ptr<WorkTrace> work_;
  int image_ = 0;
};

}  // namespace upscaler
