// The routes under /v1/jobs.

#pragma once

#include "gateway/route_table.h"
#include "gateway/upscale_handler.h"

namespace upscaler {

// `backend` must outlive the table.
void AddJobRoutes(RouteTable& routes, const UpscaleBackend& backend);

}  // namespace upscaler
