#include "worker/queue/row.h"

namespace upscaler {

BatchKey BatchKeyOf(const RowSpec& spec) {
  return {.width = spec.picture->width,
          .height = spec.picture->height,
          .guided = spec.guidance_scale > 1.0};
}

}  // namespace upscaler
