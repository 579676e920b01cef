// Time is a fake; whether a connection was ended is seen at its other end.

#include "gateway/client_pace.h"

#include <chrono>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/fake_clock.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kTimeout = 50ms;

// Two ends of a connection that is watched at one of them.
class Watched {
 public:
  explicit Watched(ClientPace& pace) : pace_(pace) {
    ::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets_);
    ticket_ = pace_.Add(sockets_[0]);
  }
  ~Watched() {
    pace_.Remove(ticket_);
    ::close(sockets_[0]);
    ::close(sockets_[1]);
  }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  ClientPace::Ticket ticket() const { return ticket_; }

  // Blocks until it is.
  void AwaitEnded() const {
    char byte = 0;
    EXPECT_EQ(::recv(sockets_[1], &byte, 1, 0), 0);
  }

  bool ended() const {
    char byte = 0;
    return ::recv(sockets_[1], &byte, 1, MSG_DONTWAIT) == 0;
  }

 private:
  ClientPace& pace_;
  int sockets_[2] = {-1, -1};
  ClientPace::Ticket ticket_ = 0;
};

class ClientPaceTest : public ::testing::Test {
 protected:
  // Lets so much time pass, and returns when all connections were looked at after that.
  void Pass(TimePoint::duration time) {
    clock_.Advance(time - kTimeout - 1ms);
    const Watched last(pace_);  // They are looked at in the order in which they came.
    clock_.Advance(kTimeout + 1ms);
    last.AwaitEnded();
  }

  test::FakeClock clock_;
  ClientPace pace_{clock_, kTimeout};
  const Watched client_{pace_};
};

TEST_F(ClientPaceTest, EndsAConnectionOnWhichNothingHappens) {
  Pass(2 * kTimeout);

  EXPECT_TRUE(client_.ended());
}

TEST_F(ClientPaceTest, EndsWhoMovesTooLittleHoweverOftenItMoves) {
  for (int i = 0; i < 9; ++i) {
    clock_.Advance(kTimeout / 10);
    pace_.Move(client_.ticket(), ClientPace::kLeastBytes / 10, /*held=*/0);
  }
  clock_.Advance(kTimeout / 10 + 1ms);

  client_.AwaitEnded();
}

TEST_F(ClientPaceTest, KeepsWhoMovesEnoughEachTime) {
  for (int i = 0; i < 5; ++i) {
    clock_.Advance(kTimeout - 1ms);
    pace_.Move(client_.ticket(), ClientPace::kLeastBytes / 2, /*held=*/0);
    pace_.Move(client_.ticket(), ClientPace::kLeastBytes / 2, /*held=*/0);
  }
  const Watched last(pace_);
  clock_.Advance(kTimeout / 2);
  pace_.Move(client_.ticket(), ClientPace::kLeastBytes, /*held=*/0);
  clock_.Advance(kTimeout / 2 + 1ms);
  last.AwaitEnded();

  EXPECT_FALSE(client_.ended());
}

TEST_F(ClientPaceTest, WantsMoreOfThoseForWhomMuchIsHeld) {
  constexpr std::size_t kHeld = 4 * ClientPace::kPart * ClientPace::kLeastBytes;
  const Watched other(pace_);
  clock_.Advance(kTimeout);
  pace_.Move(client_.ticket(), 3 * ClientPace::kLeastBytes, kHeld);
  pace_.Move(other.ticket(), 4 * ClientPace::kLeastBytes, kHeld);

  clock_.Advance(1ms);
  client_.AwaitEnded();

  EXPECT_FALSE(other.ended());
}

TEST_F(ClientPaceTest, LetsThoseRestOfWhomNothingIsExpected) {
  pace_.Rest(client_.ticket());
  Pass(100 * kTimeout);

  EXPECT_FALSE(client_.ended());
}

TEST_F(ClientPaceTest, GivesTheWholeTimeForWhatIsNew) {
  pace_.Rest(client_.ticket());
  Pass(2 * kTimeout);
  const Watched last(pace_);
  clock_.Advance(kTimeout / 2);
  pace_.Expect(client_.ticket());
  clock_.Advance(kTimeout / 2 + 1ms);
  last.AwaitEnded();
  EXPECT_FALSE(client_.ended());

  Pass(2 * kTimeout);

  EXPECT_TRUE(client_.ended());
}

TEST_F(ClientPaceTest, AMoveEndsARest) {
  pace_.Rest(client_.ticket());
  Pass(2 * kTimeout);
  pace_.Move(client_.ticket(), 1, /*held=*/0);
  EXPECT_FALSE(client_.ended());

  Pass(2 * kTimeout);

  EXPECT_TRUE(client_.ended());
}

}  // namespace
}  // namespace upscaler
