#include "gateway/job_questions.h"

#include <memory>
#include <utility>

#include <absl/status/statusor.h>

#include "client/job_calls.h"
#include "gateway/call_handler.h"
#include "gateway/job_answer.h"
#include "gateway/job_request.h"
#include "gateway/rest_error.h"

namespace upscaler {
namespace {

// Asks `method` about the job that the request is about; `answer` makes the answer of what
// it says, and of the job's public id.
template <typename Request, typename Response, typename MakeAnswer>
RouteTable::Outcome Ask(const UpscaleBackend& backend, const RoutedRequest& request,
                        typename JobUnaryCall<Request, Response>::Method method,
                        MakeAnswer answer) {
  absl::StatusOr<JobRequest> job = ReadJobRequest(backend.backends, request);
  if (!job.ok()) return ErrorResponse(job.status());
  const auto call = JobUnaryCall<Request, Response>::Create();
  return std::make_shared<CallHandler>(
      call, [call, method, answer, job = *std::move(job)](Respond respond) {
        Request question;
        question.set_job_id(job.address.job_id);
        call->Start(job.address.channel, method, std::move(question), job.options,
                    [answer, id = job.id, respond = std::move(respond)](
                        const absl::StatusOr<Response>& response) mutable {
                      std::move(respond)(response.ok() ? answer(*response, id)
                                                       : ErrorResponse(response.status()));
                    });
      });
}

}  // namespace

RouteTable::Outcome GetJob(const UpscaleBackend& backend, const RoutedRequest& request) {
  return Ask<v1::GetUpscaleJobRequest, v1::GetUpscaleJobResponse>(
      backend, request, &JobMethods::GetUpscaleJob,
      [&backend](const v1::GetUpscaleJobResponse& response, const std::string& id) {
        return JobAnswer(response.job(), id, backend.model());
      });
}

RouteTable::Outcome CancelJob(const UpscaleBackend& backend, const RoutedRequest& request) {
  return Ask<v1::CancelUpscaleJobRequest, v1::CancelUpscaleJobResponse>(
      backend, request, &JobMethods::CancelUpscaleJob,
      [&backend](const v1::CancelUpscaleJobResponse& response, const std::string& id) {
        return JobAnswer(response.job(), id, backend.model());
      });
}

RouteTable::Outcome DeleteJob(const UpscaleBackend& backend, const RoutedRequest& request) {
  return Ask<v1::DeleteUpscaleJobRequest, v1::DeleteUpscaleJobResponse>(
      backend, request, &JobMethods::DeleteUpscaleJob,
      [](const v1::DeleteUpscaleJobResponse& /*response*/, const std::string& /*id*/) {
        return HttpResponse{.status = 204};
      });
}

}  // namespace upscaler
