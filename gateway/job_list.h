// GET /v1/jobs: a page of the caller's jobs.

#pragma once

#include "gateway/route_table.h"
#include "gateway/upscale_handler.h"

namespace upscaler {

// {"object": "list", "data": [...], "has_more": ..., "next": ...}. `limit` (1 to 100) of them,
// after the page that had said `after` was next, with a `status`, newest first; of several
// servers, those of one come after those of the other, and where one's end the page does.
// `backend` must outlive what comes of it.
RouteTable::Outcome ListJobs(const UpscaleBackend& backend, const RoutedRequest& request);

}  // namespace upscaler
