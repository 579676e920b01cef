#include "gateway/hangup_watch.h"

#include <utility>
#include <vector>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace upscaler {
namespace {

constexpr std::uint64_t kWakeup = 0;  // No socket's ticket.

}  // namespace

absl::StatusOr<std::unique_ptr<HangupWatch>> HangupWatch::Start() {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  const int wakeup = ::eventfd(0, EFD_CLOEXEC);
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kWakeup}};
  if (epoll < 0 || wakeup < 0 || ::epoll_ctl(epoll, EPOLL_CTL_ADD, wakeup, &event) != 0) {
    ::close(epoll);
    ::close(wakeup);
    return absl::ResourceExhaustedError("cannot watch connections: no file descriptor is left");
  }
  // Not make_unique, which has no access to the constructor.
  return std::unique_ptr<HangupWatch>(new HangupWatch(epoll, wakeup));
}

HangupWatch::HangupWatch(int epoll, int wakeup)
    : epoll_(epoll), wakeup_(wakeup), thread_(&HangupWatch::Run, this) {}

HangupWatch::~HangupWatch() {
  ::eventfd_write(wakeup_, 1);
  thread_.join();
  ::close(wakeup_);
  ::close(epoll_);
}

HangupWatch::Ticket HangupWatch::Add(int socket, OnHangup on_hangup) {
  Ticket ticket = 0;
  bool gone = false;
  {
    const MutexLock lock(mutex_);
    ticket = Watch({.socket = socket, .on_hangup = std::move(on_hangup)});
    gone = all_gone_;
  }
  if (gone) HangUp(ticket);
  return ticket;
}

HangupWatch::Ticket HangupWatch::AddReader(int socket) {
  const MutexLock lock(mutex_);
  return Watch({.socket = socket, .on_hangup = nullptr, .reader = true});
}

HangupWatch::Ticket HangupWatch::Watch(Watched watched) {
  const int socket = watched.socket;
  const Ticket ticket = ++last_ticket_;
  watched_[ticket] = std::move(watched);
  // A client that shuts down its sending side counts as gone too: the system
  // cannot tell it from one that has closed the connection.
  epoll_event event{.events = EPOLLRDHUP | EPOLLONESHOT, .data = {.u64 = ticket}};
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event);
  return ticket;
}

void HangupWatch::Remove(Ticket ticket) {
  const MutexLock lock(mutex_);
  const auto watched = watched_.find(ticket);
  if (watched == watched_.end()) return;
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, watched->second.socket, nullptr);
  watched_.erase(watched);
}

void HangupWatch::HangUpAll() {
  std::vector<OnHangup> gone;
  {
    const MutexLock lock(mutex_);
    all_gone_ = true;
    for (auto& [ticket, watched] : watched_) {
      gone.push_back(std::exchange(watched.on_hangup, nullptr));
    }
  }
  for (OnHangup& on_hangup : gone) {
    if (on_hangup != nullptr) std::move(on_hangup)();
  }
}

void HangupWatch::Run() {
  while (true) {
    epoll_event event{};
    if (::epoll_wait(epoll_, &event, 1, -1) != 1) continue;  // A signal came between.
    if (event.data.u64 == kWakeup) return;
    HangUp(event.data.u64);
  }
}

void HangupWatch::HangUp(Ticket ticket) {
  OnHangup on_hangup;
  {
    const MutexLock lock(mutex_);
    const auto watched = watched_.find(ticket);
    if (watched == watched_.end()) return;
    // With the lock held, so that the socket is not another client's by now. What has come
    // can still be read.
    if (watched->second.reader) ::shutdown(watched->second.socket, SHUT_RD);
    on_hangup = std::exchange(watched->second.on_hangup, nullptr);
  }
  if (on_hangup != nullptr) std::move(on_hangup)();
}

}  // namespace upscaler
