#include "gateway/client_pace.h"

#include <algorithm>

#include <sys/socket.h>

namespace upscaler {
namespace {

using std::chrono::milliseconds;

// How often it looks: often enough that nobody gets much more than the timeout.
milliseconds IntervalFor(milliseconds timeout) {
  return std::clamp(timeout / 8, milliseconds(10), milliseconds(1'000));
}

}  // namespace

ClientPace::ClientPace(const Clock& clock, milliseconds timeout)
    : clock_(clock), timeout_(timeout), ticker_(IntervalFor(timeout), [this] { Look(); }) {}

ClientPace::Ticket ClientPace::Add(int socket) {
  const TimePoint now = clock_.Now();
  const MutexLock lock(mutex_);
  watched_[++last_ticket_] = {.socket = socket, .since = now};
  return last_ticket_;
}

void ClientPace::Remove(Ticket ticket) {
  const MutexLock lock(mutex_);
  watched_.erase(ticket);
}

void ClientPace::Expect(Ticket ticket) {
  const TimePoint now = clock_.Now();
  const MutexLock lock(mutex_);
  Watched& watched = watched_.at(ticket);
  watched = {.socket = watched.socket, .since = now};
}

void ClientPace::Move(Ticket ticket, std::size_t bytes, std::size_t held) {
  const TimePoint now = clock_.Now();
  const MutexLock lock(mutex_);
  Watched& watched = watched_.at(ticket);
  watched.moved_bytes += bytes;
  if (watched.resting || watched.moved_bytes >= std::max(kLeastBytes, held / kPart)) {
    watched = {.socket = watched.socket, .since = now};
  }
}

void ClientPace::Rest(Ticket ticket) {
  const MutexLock lock(mutex_);
  watched_.at(ticket).resting = true;
}

void ClientPace::Look() {
  const TimePoint now = clock_.Now();
  // With the lock held, so that no socket is another client's by now. Each time anew, as
  // libmicrohttpd overlooks an end that comes together with bytes.
  const MutexLock lock(mutex_);
  for (const auto& [ticket, watched] : watched_) {
    if (!watched.resting && now - watched.since > timeout_) ::shutdown(watched.socket, SHUT_RDWR);
  }
}

}  // namespace upscaler
