#include "gateway/outgoing_answer.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <microhttpd.h>

namespace upscaler {
namespace {

// How much of a body is handed over at a time, so that it is seen how fast it goes. Less than
// that in all is handed over at once.
constexpr std::size_t kBlockBytes = std::size_t{64} << 10;

// Where the body of an answer is on its way from: one of the two.
struct Outflow {
  Outlet outlet;
  std::string text{};
  std::shared_ptr<BodyPipe> pipe{};
};

using Read = ssize_t (*)(Outflow& outflow, std::uint64_t at, char* buffer, std::size_t size);

ssize_t ReadText(Outflow& outflow, std::uint64_t at, char* buffer, std::size_t size) {
  const std::size_t bytes = outflow.text.copy(buffer, size, static_cast<std::size_t>(at));
  const Outlet& outlet = outflow.outlet;
  // Nothing of the text is free before all of it is sent.
  outlet.pace.Move(outlet.ticket, bytes, outflow.text.size());
  return static_cast<ssize_t>(bytes);
}

// Suspends the connection where there are no bytes yet.
ssize_t ReadPipe(Outflow& outflow, std::uint64_t /*at*/, char* buffer, std::size_t size) {
  const Outlet& outlet = outflow.outlet;
  SuspendedConnections& suspended = outlet.suspended;
  MHD_Connection* const connection = outlet.connection;
  const BodyPipe::Taken taken = outflow.pipe->Take(
      buffer, size, [&suspended, connection] { return suspended.Suspend(connection); },
      [&suspended, connection] { suspended.Resume(connection); });
  switch (taken.outcome) {
    case BodyPipe::Outcome::kBytes:
      outlet.pace.Move(outlet.ticket, taken.bytes, outflow.pipe->waiting_bytes());
      return static_cast<ssize_t>(taken.bytes);
    case BodyPipe::Outcome::kNothingYet:
      // Before libmicrohttpd looks at the connection again, however soon it resumes.
      outlet.pace.Rest(outlet.ticket);
      return 0;
    case BodyPipe::Outcome::kEnd:
      return MHD_CONTENT_READER_END_OF_STREAM;
    default:
      return MHD_CONTENT_READER_END_WITH_ERROR;
  }
}

// What libmicrohttpd calls.
template <Read read>
ssize_t OnRead(void* outflow, std::uint64_t at, char* buffer, std::size_t size) {
  return read(*static_cast<Outflow*>(outflow), at, buffer, size);
}

void OnSent(void* pointer) {
  const std::unique_ptr<Outflow> outflow(static_cast<Outflow*>(pointer));
  if (outflow->pipe != nullptr) outflow->pipe->Abandon();
}

// Null when there is no memory.
MHD_Response* MakeBuffered(std::string text) {
  auto body = std::make_unique<std::string>(std::move(text));
  MHD_Response* const raw = MHD_create_response_from_buffer_with_free_callback_cls(
      body->size(), body->data(), [](void* kept) { delete static_cast<std::string*>(kept); },
      body.get());
  if (raw != nullptr) static_cast<void>(body.release());
  return raw;
}

// Likewise.
MHD_Response* MakeRead(std::uint64_t bytes, MHD_ContentReaderCallback read, Outflow outflow) {
  auto kept = std::make_unique<Outflow>(std::move(outflow));
  MHD_Response* const raw =
      MHD_create_response_from_callback(bytes, kBlockBytes, read, kept.get(), &OnSent);
  if (raw != nullptr) static_cast<void>(kept.release());
  return raw;
}

MHD_Response* MakeResponse(const Outlet& outlet, HttpResponse& response) {
  if (response.pipe != nullptr) {
    return MakeRead(response.pipe_bytes.value_or(MHD_SIZE_UNKNOWN), &OnRead<ReadPipe>,
                    {.outlet = outlet, .pipe = response.pipe});
  }
  if (response.body.size() <= kBlockBytes) return MakeBuffered(std::move(response.body));
  const std::uint64_t bytes = response.body.size();
  return MakeRead(bytes, &OnRead<ReadText>, {.outlet = outlet, .text = std::move(response.body)});
}

}  // namespace

bool QueueAnswer(const Outlet& outlet, HttpResponse response) {
  MHD_Response* const raw = MakeResponse(outlet, response);
  if (raw == nullptr) return false;
  for (const auto& [name, value] : response.headers) {
    MHD_add_response_header(raw, name.c_str(), value.c_str());
  }
  outlet.pace.Expect(outlet.ticket);
  const MHD_Result result =
      MHD_queue_response(outlet.connection, static_cast<unsigned>(response.status), raw);
  MHD_destroy_response(raw);
  return result == MHD_YES;
}

}  // namespace upscaler
