// What a picture looks like on its way, as the client is shown it.

#pragma once

#include <cstddef>
#include <optional>

#include "worker/imaging/image.h"
#include "worker/request_plan.h"
#include "worker/upscale_task.h"

namespace upscaler {

// What a row looked like after a step.
struct PictureLook {
  int index = 0;        // Of the picture in the request.
  int number = 0;       // Of the picture's previews.
  std::size_t run = 0;  // Of the model.
  int steps_done = 0;   // Over all runs.
  Image image{};        // With the padding that the model needs.
};

// As a JPEG without the padding. `input` is the size of the picture that the request brought,
// `total_steps` is over all runs. Nothing where it fails: the picture itself matters more.
std::optional<JobPreview> EncodePreview(const PictureLook& preview, PictureSize input,
                                        const RequestRules& rules, int total_steps);

}  // namespace upscaler
