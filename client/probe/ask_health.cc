#include "client/probe/ask_health.h"

#include <algorithm>
#include <future>

#include <fmt/format.h>
#include <google/protobuf/wrappers.pb.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

namespace upscaler {
namespace {

constexpr const char* kCheck = "/grpc.health.v1.Health/Check";

// Debian has no grpc/health/v1/health.proto. Its messages have one field each, with the
// number 1: a string in the request, an enumeration in the answer. On the wire that is the
// same as these.
using Request = google::protobuf::StringValue;
using Answer = google::protobuf::Int32Value;

// HealthCheckResponse.ServingStatus.
constexpr int kServing = 1;

grpc::Status Check(const std::shared_ptr<grpc::Channel>& channel, grpc::ClientContext& context,
                   const Request& request, Answer& answer) {
  grpc::TemplatedGenericStub<Request, Answer> stub(channel);
  std::promise<grpc::Status> ended;
  stub.UnaryCall(&context, kCheck, grpc::StubOptions(), &request, &answer,
                 [&ended](const grpc::Status& status) { ended.set_value(status); });
  return ended.get_future().get();
}

// On one line, whoever has written it.
std::string OneLine(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

HealthAnswer AskHealth(const std::shared_ptr<grpc::Channel>& channel, const std::string& service,
                       std::chrono::milliseconds timeout) {
  Request request;
  request.set_value(service);
  Answer answer;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  const grpc::Status status = Check(channel, context, request, answer);

  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      if (answer.value() == kServing) return {Health::kServing, "serving"};
      return {Health::kNotServing, "not serving"};
    case grpc::StatusCode::NOT_FOUND:
      return {Health::kNotServing, "the server knows no service of that name"};
    case grpc::StatusCode::UNAVAILABLE:
      return {Health::kUnreachable, OneLine(status.error_message())};
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return {Health::kUnreachable, fmt::format("no answer within {} ms", timeout.count())};
    default:
      return {Health::kNotServing,
              fmt::format("the server refuses to tell: {}", OneLine(status.error_message()))};
  }
}

}  // namespace upscaler
