// What is asked of the worker, what it answers, and who hears of it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "common/clock.h"
#include "worker/imaging/alpha_policy.h"
#include "worker/imaging/encode_options.h"
#include "worker/imaging/latents.h"
#include "worker/queue/admission.h"
#include "worker/queue/reply.h"
#include "worker/queue/work_trace.h"
#include "worker/scheduler/observer.h"

namespace upscaler {

// What is returned of each picture.
enum class OutputType { kImage, kLatents };

struct PictureSize {
  int width = 0;
  int height = 0;

  bool operator==(const PictureSize&) const = default;
};

// One request, complete and in range: who makes it has validated it.
struct UpscaleTask {
  std::string input;                          // An encoded picture, or the numbers of latents.
  std::optional<LatentsForm> latents = {};    // How to read the numbers, if they are.
  std::optional<PictureSize> resize_to = {};  // Before it is upscaled; of pictures only.
  int scale = 2;                              // Or 4.
  int tile_size = 0;                          // In pixels of the input; 0 means automatic.
  AlphaPolicy alpha = AlphaPolicy::kKeep;
  std::string prompt;
  std::string negative_prompt;
  double guidance_scale = 7.5;
  int steps = 25;
  std::uint64_t seed = 0;  // Of the first picture; picture i has seed + i.
  int image_count = 1;
  int preview_count = 0;  // Of each picture.
  OutputType output_type = OutputType::kImage;
  bool embed_parameters = true;  // In what is encoded; the worker makes the text.
  EncodeOptions output{};        // Of pictures.
  TimePoint deadline = TimePoint::max();
  std::shared_ptr<WorkTrace> trace = nullptr;  // Hears of its parts, if anybody follows it.
};

// The service's whole purpose.
inline PictureSize ScaledBy(PictureSize size, int scale) {
  return {.width = scale * size.width, .height = scale * size.height};
}

// What one run of the model makes of it.
inline PictureSize DoubleOf(PictureSize size) { return ScaledBy(size, 2); }

struct UpscaledPicture {
  std::string encoded;      // Or the numbers of latents, as float32.
  std::uint32_t crc32 = 0;  // Of these bytes.
  PictureSize size;         // Of latents, that of the picture they stand for.
  std::uint64_t seed = 0;
  std::optional<LatentsForm> latents = {};  // What the numbers are, if they are.
};

struct UpscaleOutcome {
  std::vector<UpscaledPicture> pictures;  // image_count of them, in order.
  std::vector<std::string> warnings;
  RowTimings timings;  // Of the slowest picture, part by part.
  TimePoint::duration total{};
  // The room that the pictures take in what the service may hold; whoever delivers
  // them lets it go afterwards. Must not outlive the upscaler's Admission.
  std::optional<Reservation> room = {};
};

// What a request would take.
struct UpscaleEstimate {
  PictureSize output;
  int tiles = 1;                  // In how many parts it is done.
  std::int64_t device_bytes = 0;  // Of the device's memory, for one picture at its peak.
  std::int64_t host_bytes = 0;    // Until it is answered, beside its encoded input.
  // Of a device that has nothing else to do; and from now on, waiting included. Nothing
  // where no pictures of about this size were done.
  std::optional<TimePoint::duration> work = {};
  std::optional<TimePoint::duration> until_done = {};
};

// A request that is taken on.
struct AcceptedPicture {
  PictureSize input;  // The size that is upscaled.
  PictureSize output;
  int tiles = 1;  // In how many parts it is done.
};

// Where a request stands in the queue.
struct QueuePlace {
  std::size_t rows_ahead = 0;                          // Before its first row.
  std::optional<TimePoint::duration> until_done = {};  // A guess; where there is ground for one.
};

struct JobProgress {
  Stage stage = Stage::kVaeEncode;
  int steps_done = 0;   // Over all pictures of the request.
  int total_steps = 0;  // Over all pictures of the request.
  double fraction = 0;  // Of the whole way, from 0 to below 1.
};

// A picture on its way.
struct JobPreview {
  int image = 0;   // Its index in the request.
  int number = 0;  // Of this picture's previews, from 0.
  int steps_done = 0;
  int total_steps = 0;
  PictureSize size;
  std::string encoded;  // A JPEG.
};

// Hears about one request, on the worker's threads: OnAccepted at most once and first,
// OnDone exactly once and last, the others between them and, where the request has
// several pictures, from several threads at a time. Must not block and must not throw.
class JobListener {
 public:
  virtual ~JobListener() = default;

  // The picture was read and the request has its place.
  virtual void OnAccepted(const AcceptedPicture& picture) = 0;
  // Once after that, and again when the place has changed.
  virtual void OnQueued(const QueuePlace& place) = 0;
  virtual void OnProgress(const JobProgress& progress) = 0;
  virtual void OnPreview(JobPreview preview) = 0;
  virtual void OnDone(absl::StatusOr<UpscaleOutcome> outcome) = 0;
};

}  // namespace upscaler
