// The calls about jobs by name, for those who make them without waiting.

#pragma once

#include "client/async_read_call.h"
#include "client/async_unary_call.h"
#include "proto/upscaler/v1/job.grpc.pb.h"

namespace upscaler {

// The generated calls, which AsyncUnaryCall and AsyncReadCall are started with:
//
//   call->Start(channel, &JobMethods::GetUpscaleJob, request, options, on_answer);
using JobMethods = v1::UpscaleJobService::StubInterface::async_interface;

template <typename Request, typename Response>
using JobUnaryCall = AsyncUnaryCall<v1::UpscaleJobService, Request, Response>;

using JobGetCall = JobUnaryCall<v1::GetUpscaleJobRequest, v1::GetUpscaleJobResponse>;
using JobListCall = JobUnaryCall<v1::ListUpscaleJobsRequest, v1::ListUpscaleJobsResponse>;
using JobCancelCall = JobUnaryCall<v1::CancelUpscaleJobRequest, v1::CancelUpscaleJobResponse>;
using JobDeleteCall = JobUnaryCall<v1::DeleteUpscaleJobRequest, v1::DeleteUpscaleJobResponse>;
using JobWatchCall =
    AsyncReadCall<v1::UpscaleJobService, v1::WatchUpscaleJobRequest, v1::WatchUpscaleJobResponse>;
using JobDownloadCall = AsyncReadCall<v1::UpscaleJobService, v1::DownloadUpscaleJobRequest,
                                      v1::DownloadUpscaleJobResponse>;

}  // namespace upscaler
