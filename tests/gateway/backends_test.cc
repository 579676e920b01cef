// Servers here are ports that accept connections, or don't: whether a server is ready is
// what its channel says.

#include "gateway/backends.h"

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/channel.h"
#include "tests/support/fake_upscaler_service.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using test::FakeUpscalerService;
using test::GoodScript;
using test::IsOk;
using test::StatusIs;

// Nobody listens there.
constexpr const char* kNobody = "127.0.0.1:1";

Backends::Listed ListedAt(const std::string& address) {
  return {.address = address, .channel = MakeChannel(address), .healthy = MakeChannel(address)};
}

// Blocks until the channel has connected.
void AwaitReady(const Backends::Listed& server) {
  ASSERT_TRUE(server.healthy->WaitForConnected(std::chrono::system_clock::now() +
                                               std::chrono::seconds(50)));
}

// Two servers that are ready, and one that is not.
class SeveralBackendsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    AwaitReady(first_);
    AwaitReady(second_);
    auto backends = Backends::Several(balanced_, {first_, dead_, second_});
    ASSERT_THAT(backends, IsOk());
    backends_ = *std::move(backends);
  }

  // The id that a job called "job" gets there.
  std::string PublicId(std::size_t home) const { return backends_->homes()[home].prefix + "job"; }

  FakeUpscalerService first_service_{GoodScript({})};
  FakeUpscalerService second_service_{GoodScript({})};
  const Backends::Listed first_ = ListedAt(first_service_.target());
  const Backends::Listed dead_ = ListedAt(kNobody);
  const Backends::Listed second_ = ListedAt(second_service_.target());
  const std::shared_ptr<grpc::Channel> balanced_ = MakeChannel(first_service_.target());
  std::unique_ptr<const Backends> backends_;
};

TEST(BackendsTest, AServerThatStandsAloneHasItsJobsUnderTheirOwnIds) {
  const auto channel = MakeChannel(kNobody);

  const auto backends = Backends::One(channel);

  EXPECT_EQ(backends->balanced(), channel);
  const auto home = backends->ForNewJob();
  ASSERT_THAT(home, IsOk());
  EXPECT_EQ(home->channel, channel);
  EXPECT_EQ(home->prefix, "");
  const auto found = backends->Find("job-1");
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->channel, channel);
  EXPECT_EQ(found->job_id, "job-1");
}

TEST(BackendsTest, AListOfOneIsAServerThatStandsAlone) {
  const auto backends = Backends::Several(MakeChannel(kNobody), {ListedAt(kNobody)});

  ASSERT_THAT(backends, IsOk());
  EXPECT_EQ((*backends)->ForNewJob()->prefix, "");
}

TEST(BackendsTest, ServersBehindOneNameHaveNoJobs) {
  const auto channel = MakeChannel(kNobody);

  const auto backends = Backends::Unlisted(channel);

  EXPECT_EQ(backends->balanced(), channel);
  EXPECT_THAT(backends->ForNewJob(), StatusIs(absl::StatusCode::kUnimplemented));
  EXPECT_THAT(backends->Find("job-1"), StatusIs(absl::StatusCode::kUnimplemented));
  EXPECT_TRUE(backends->homes().empty());
}

TEST(BackendsTest, RefusesAServerThatIsGivenTwice) {
  const auto backends =
      Backends::Several(MakeChannel(kNobody), {ListedAt(kNobody), ListedAt(kNobody)});

  EXPECT_THAT(backends, StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(BackendsTest, NoJobBeginsWhereNobodyIsReady) {
  const auto backends =
      Backends::Several(MakeChannel(kNobody), {ListedAt(kNobody), ListedAt("127.0.0.1:2")});

  ASSERT_THAT(backends, IsOk());
  EXPECT_THAT((*backends)->ForNewJob(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT((*backends)->ForNewJob("key"), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(SeveralBackendsTest, AJobIsFoundAgainByItsPublicId) {
  const auto found = backends_->Find(PublicId(2));

  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->channel, second_.channel);
  EXPECT_EQ(found->job_id, "job");
}

TEST_F(SeveralBackendsTest, AJobIsFoundOnAServerThatIsNotReady) {
  const auto found = backends_->Find(PublicId(1));

  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->channel, dead_.channel);
}

TEST_F(SeveralBackendsTest, AnIdOfNoServerIsNotFound) {
  for (const std::string id : {"", "job", "00000000-job"}) {
    EXPECT_THAT(backends_->Find(id), StatusIs(absl::StatusCode::kNotFound)) << id;
  }
}

TEST_F(SeveralBackendsTest, IdsHoldWhenTheListIsInAnotherOrder) {
  const auto others = Backends::Several(balanced_, {second_, first_});

  ASSERT_THAT(others, IsOk());
  const auto found = (*others)->Find(PublicId(2));
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->channel, second_.channel);
}

TEST_F(SeveralBackendsTest, ThoseThatAreReadyTakeTurns) {
  std::multiset<grpc::Channel*> homes;
  for (int i = 0; i < 4; ++i) homes.insert(backends_->ForNewJob()->channel.get());

  EXPECT_EQ(homes.count(first_.channel.get()), 2U);
  EXPECT_EQ(homes.count(second_.channel.get()), 2U);
}

TEST_F(SeveralBackendsTest, TheSameKeyLeadsToTheSameServer) {
  const auto others = Backends::Several(balanced_, {second_, first_});
  ASSERT_THAT(others, IsOk());
  std::set<grpc::Channel*> homes;
  for (int i = 0; i < 50; ++i) {
    const std::string key = fmt::format("key {}", i);
    const auto home = backends_->ForNewJob(key);
    homes.insert(home->channel.get());

    EXPECT_EQ(backends_->ForNewJob(key)->channel, home->channel) << key;
    EXPECT_EQ((*others)->ForNewJob(key)->channel, home->channel) << key;
  }

  EXPECT_EQ(homes.size(), 2U);  // Different keys are spread.
}

}  // namespace
}  // namespace upscaler
