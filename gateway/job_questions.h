// What can be asked about one job, and done with it, in one call.

#pragma once

#include "gateway/route_table.h"
#include "gateway/upscale_handler.h"

namespace upscaler {

// All take requests whose path has the job's id as its first parameter. `backend` must
// outlive what comes of them.

// GET /v1/jobs/{job_id}: how the job stands.
RouteTable::Outcome GetJob(const UpscaleBackend& backend, const RoutedRequest& request);

// POST /v1/jobs/{job_id}/cancel: stops it at its next step; how it stands then.
RouteTable::Outcome CancelJob(const UpscaleBackend& backend, const RoutedRequest& request);

// DELETE /v1/jobs/{job_id}: stops it, and forgets it and its pictures.
RouteTable::Outcome DeleteJob(const UpscaleBackend& backend, const RoutedRequest& request);

}  // namespace upscaler
