#include "gateway/job_routes.h"

#include <string>
#include <utility>

#include "gateway/job_events.h"
#include "gateway/job_list.h"
#include "gateway/job_picture.h"
#include "gateway/job_questions.h"

namespace upscaler {

void AddJobRoutes(RouteTable& routes, const UpscaleBackend& backend) {
  const auto add = [&routes, &backend](std::string method, std::string path, auto handle) {
    routes.Add(
        std::move(method), std::move(path),
        [&backend, handle](const RoutedRequest& request) { return handle(backend, request); });
  };
  add("GET", "/v1/jobs", &ListJobs);
  add("GET", "/v1/jobs/{job_id}", &GetJob);
  add("DELETE", "/v1/jobs/{job_id}", &DeleteJob);
  add("POST", "/v1/jobs/{job_id}/cancel", &CancelJob);
  add("GET", "/v1/jobs/{job_id}/events", &JobEventsHandler::Handle);
  add("GET", "/v1/jobs/{job_id}/images/{image_index}", &JobPictureHandler::Handle);
}

}  // namespace upscaler
