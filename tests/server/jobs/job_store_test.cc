#include "server/jobs/job_store.h"

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_details.h"
#include "tests/support/jobs.h"
#include "tests/support/status_matchers.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::IsOk;
using test::ResultWith;
using test::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

class JobStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<JobStore> MakeStore(const JobTable::Limits& limits) {
    return JobStore::Open({.limits = limits,
                           .ttl = 60s,
                           .now = [this] { return clock_.Now(); },
                           .make_id = test::CountingIds()})
        .value();
  }

  std::shared_ptr<Job> Begin(const std::string& request_id = "") {
    return store_->Create({.caller = "ann", .request_id = request_id, .digest = "asked"})
        .value()
        .job;
  }
  std::shared_ptr<Job> Admitted(const std::string& request_id = "") {
    std::shared_ptr<Job> job = Begin(request_id);
    store_->Admit(job);
    return job;
  }
  std::shared_ptr<Job> Finished(std::string picture) {
    std::shared_ptr<Job> job = Admitted();
    store_->Finish(job, ResultWith({std::move(picture)}));
    return job;
  }

  std::vector<std::string> Ids(const v1::ListUpscaleJobsRequest& request,
                               std::string* next = nullptr) const {
    const v1::ListUpscaleJobsResponse page = store_->List("ann", request).value();
    std::vector<std::string> ids;
    for (const v1::UpscaleJob& job : page.jobs()) ids.push_back(job.job_id());
    if (next != nullptr) *next = page.next_page_token();
    return ids;
  }

  absl::Status Delete(const std::shared_ptr<Job>& job) {
    absl::Status result = absl::UnknownError("not called");
    store_->Delete("ann", job->origin().id, [&](const absl::Status& status) { result = status; });
    return result;
  }

  test::FakeSystemClock clock_;
  std::unique_ptr<JobStore> store_ = MakeStore({.jobs = 4, .bytes = 1000});
};

TEST_F(JobStoreTest, ShowsAJobWhenItIsAdmitted) {
  const auto job = Begin();
  EXPECT_THAT(store_->Find("ann", job->origin().id), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Ids({}), IsEmpty());

  store_->Admit(job);

  EXPECT_THAT(store_->Find("ann", job->origin().id), IsOk());
  EXPECT_THAT(store_->Find("bob", job->origin().id), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Ids({}), ElementsAre(job->origin().id));
}

TEST_F(JobStoreTest, KeepsNothingOfAJobThatIsRefused) {
  const auto job = Begin("mine");

  store_->Refuse(job, absl::ResourceExhaustedError("full"));

  EXPECT_THAT(job->admission(), Optional(absl::ResourceExhaustedError("full")));
  EXPECT_EQ(store_->kept().jobs, 0U);
  EXPECT_NE(Begin("mine"), job);
}

TEST_F(JobStoreTest, AnswersTheSameRequestWithTheSameJob) {
  const auto job = Admitted("mine");

  const auto again =
      store_->Create({.caller = "ann", .request_id = "mine", .digest = "asked"}).value();
  const auto other =
      store_->Create({.caller = "ann", .request_id = "mine", .digest = "asked otherwise"});
  const auto stranger =
      store_->Create({.caller = "bob", .request_id = "mine", .digest = "asked otherwise"});

  EXPECT_FALSE(again.created);
  EXPECT_EQ(again.job, job);
  EXPECT_THAT(other, StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(ReasonOf(other.status()), Optional(std::string("REQUEST_ID_REUSED")));
  EXPECT_THAT(stranger, IsOk());
}

TEST_F(JobStoreTest, MakesOneJobOfOneRequestFromManyThreads) {
  std::vector<std::shared_ptr<Job>> jobs(4);
  {
    std::vector<std::jthread> threads;
    for (auto& job : jobs) threads.emplace_back([&] { job = Begin("mine"); });
  }

  for (const auto& job : jobs) EXPECT_EQ(job, jobs[0]);
  EXPECT_EQ(store_->kept().jobs, 1U);
}

TEST_F(JobStoreTest, MakesAJobOfEveryRequestWithoutAnId) { EXPECT_NE(Begin(), Begin()); }

TEST_F(JobStoreTest, KeepsPicturesAndLetsGoOfTheWorkersRoom) {
  const auto job = Admitted();
  bool kept = false;
  JobResult result = ResultWith({"picture"});
  result.on_kept = [&] { kept = true; };

  store_->Finish(job, std::move(result));

  EXPECT_TRUE(kept);
  EXPECT_GT(store_->kept().bytes, 0);
  std::string piece;
  store_->Read(job, 0, /*offset=*/2, /*bytes=*/3, [&](auto bytes) { piece = bytes.value(); });
  EXPECT_EQ(piece, "ctu");
}

TEST_F(JobStoreTest, ForgetsAJobWhenItsTimeIsOver) {
  const auto running = Admitted();
  const auto job = Finished("picture");

  clock_.Advance(59s);
  store_->Sweep();
  EXPECT_THAT(store_->Find("ann", job->origin().id), IsOk());
  clock_.Advance(1s);
  store_->Sweep();

  EXPECT_THAT(store_->Find("ann", job->origin().id), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(*job->After(0).end, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_->Find("ann", running->origin().id), IsOk());
  EXPECT_EQ(store_->kept().bytes, 0);
}

TEST_F(JobStoreTest, TellsJobsThatAreGoneFromThoseThatNeverWere) {
  const auto job = Finished("picture");
  ASSERT_THAT(Delete(job), IsOk());

  const auto gone = store_->Find("ann", job->origin().id).status();
  const auto never = store_->Find("ann", "0123").status();
  const auto other = store_->Find("bob", job->origin().id).status();

  EXPECT_THAT(gone, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(ReasonOf(gone), Optional(std::string("JOB_GONE")));
  EXPECT_THAT(ReasonOf(never), Optional(std::string("JOB_NOT_FOUND")));
  EXPECT_THAT(ReasonOf(other), Optional(std::string("JOB_NOT_FOUND")));
  for (const absl::Status& status : {gone, never, other}) {
    EXPECT_THAT(FieldOf(status), Optional(std::string("job_id")));
  }
}

TEST_F(JobStoreTest, ForgetsTheOldestWhenThereAreTooManyBytes) {
  store_ = MakeStore({.jobs = 100, .bytes = 1'000'000});
  const auto first = Finished(std::string(400'000, 'a'));
  const auto second = Finished(std::string(400'000, 'b'));

  const auto third = Finished(std::string(400'000, 'c'));

  EXPECT_THAT(store_->Find("ann", first->origin().id), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_->Find("ann", second->origin().id), IsOk());
  EXPECT_THAT(store_->Find("ann", third->origin().id), IsOk());
  EXPECT_LE(store_->kept().bytes, 1'000'000);
}

TEST_F(JobStoreTest, FailsAJobWhosePicturesAreTooLarge) {
  store_ = MakeStore({.jobs = 100, .bytes = 10'000});
  const auto small = Finished("picture");
  const auto job = Admitted();
  bool kept = false;
  JobResult result = ResultWith({std::string(20'000, 'a')});
  result.on_kept = [&] { kept = true; };

  store_->Finish(job, std::move(result));

  EXPECT_EQ(job->Describe().state(), v1::UPSCALE_JOB_STATE_FAILED);
  EXPECT_EQ(job->Describe().error().reason(), "RESULT_TOO_LARGE");
  EXPECT_TRUE(kept);
  EXPECT_THAT(store_->Find("ann", small->origin().id), IsOk());
}

TEST_F(JobStoreTest, RefusesMoreJobsThanItKeepsUnlessOneHasEnded) {
  const auto ended = Finished("");
  for (int i = 0; i < 4; ++i) Begin();

  const auto refused = store_->Create({.caller = "ann"});

  EXPECT_THAT(store_->Find("ann", ended->origin().id), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(ReasonOf(refused.status()), Optional(std::string("JOBS_FULL")));
  EXPECT_TRUE(RetryAfterOf(refused.status()).has_value());
}

TEST_F(JobStoreTest, TellsWhyAJobEndedWithoutPictures) {
  const absl::Status cancelled = absl::CancelledError("the request was cancelled");
  const auto by_client = Admitted();
  by_client->RequestCancel();
  const auto by_server = Admitted();
  const auto failed = Admitted();

  store_->Finish(by_client, cancelled);
  store_->Finish(by_server, cancelled);
  store_->Finish(failed, absl::InternalError("broken"));

  EXPECT_EQ(by_client->Describe().state(), v1::UPSCALE_JOB_STATE_CANCELLED);
  EXPECT_EQ(by_server->Describe().state(), v1::UPSCALE_JOB_STATE_INTERRUPTED);
  EXPECT_THAT(*by_server->After(0).end, StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(failed->Describe().state(), v1::UPSCALE_JOB_STATE_FAILED);
  EXPECT_EQ(failed->Describe().error().message(), "broken");
}

TEST_F(JobStoreTest, InterruptsAJobThatTheServerLeftBehindAndLetsItBeginAnew) {
  const auto job = Admitted("mine");

  store_->Finish(job, WithReason(absl::UnavailableError("the server ends"), "DRAINING"));

  EXPECT_EQ(job->Describe().state(), v1::UPSCALE_JOB_STATE_INTERRUPTED);
  EXPECT_EQ(job->Describe().error().reason(), "INTERRUPTED");
  EXPECT_NE(Begin("mine"), job);
}

TEST_F(JobStoreTest, CancelsAndForgetsAJobThatIsDeleted) {
  const auto job = Admitted("mine");
  int cancelled = 0;
  job->SetCancel([&] { ++cancelled; });

  EXPECT_THAT(Delete(job), IsOk());

  EXPECT_EQ(cancelled, 1);
  EXPECT_THAT(*job->After(0).end, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Delete(job), StatusIs(absl::StatusCode::kNotFound));
  bool kept = false;
  JobResult late = ResultWith({"picture"});
  late.on_kept = [&] { kept = true; };
  store_->Finish(job, std::move(late));
  EXPECT_TRUE(kept);
  EXPECT_EQ(store_->kept().jobs, 0U);
  EXPECT_EQ(store_->kept().bytes, 0);
}

TEST_F(JobStoreTest, DoesNotTakeAJobForOneThatWasDeletedAtTheSameTime) {
  const auto gone = Admitted();
  EXPECT_THAT(Delete(gone), IsOk());
  const auto job = Admitted();

  store_->Finish(gone, ResultWith({"picture"}));
  clock_.Advance(3600s);
  store_->Sweep();

  EXPECT_EQ(job->state(), v1::UPSCALE_JOB_STATE_QUEUED);
  EXPECT_THAT(store_->Find("ann", job->origin().id), IsOk());
  EXPECT_EQ(store_->kept().bytes, 0);
}

TEST_F(JobStoreTest, ListsPagesOfTheNewestFirst) {
  const auto first = Admitted();
  const auto second = Admitted();
  const auto third = Admitted();
  v1::ListUpscaleJobsRequest request;
  request.set_page_size(2);
  std::string next;

  EXPECT_THAT(Ids(request, &next), ElementsAre(third->origin().id, second->origin().id));
  request.set_page_token(next);
  const auto newer = Admitted();  // Does not shift the pages.
  EXPECT_THAT(Ids(request, &next), ElementsAre(first->origin().id));
  EXPECT_EQ(next, "");
}

TEST_F(JobStoreTest, EndsTheLastPageThatIsFullWithoutAToken) {
  Admitted();
  Admitted();
  v1::ListUpscaleJobsRequest request;
  request.set_page_size(2);
  std::string next;

  EXPECT_EQ(Ids(request, &next).size(), 2U);
  EXPECT_EQ(next, "");
}

TEST_F(JobStoreTest, ListsJobsThatStandAsAsked) {
  const auto running = Admitted();
  const auto finished = Finished("picture");
  v1::ListUpscaleJobsRequest request;

  request.set_state(v1::UPSCALE_JOB_STATE_SUCCEEDED);
  EXPECT_THAT(Ids(request), ElementsAre(finished->origin().id));
  request.set_state(v1::UPSCALE_JOB_STATE_QUEUED);
  EXPECT_THAT(Ids(request), ElementsAre(running->origin().id));
}

TEST_F(JobStoreTest, EndsTheLastFullPageThoughJobsFollowThatStandOtherwise) {
  Admitted();
  Finished("picture");
  v1::ListUpscaleJobsRequest request;
  request.set_page_size(1);
  std::string next;

  request.set_state(v1::UPSCALE_JOB_STATE_SUCCEEDED);
  EXPECT_EQ(Ids(request, &next).size(), 1U);
  EXPECT_EQ(next, "");
  request.set_state(v1::UPSCALE_JOB_STATE_UNSPECIFIED);
  EXPECT_EQ(Ids(request, &next).size(), 1U);
  EXPECT_NE(next, "");
}

TEST_F(JobStoreTest, CutsAPageThatIsTooLongForAMessage) {
  v1::UpscaleSpec spec;
  spec.set_prompt(std::string(1 << 20, 'p'));
  for (int i = 0; i < 3; ++i) {
    store_->Admit(store_->Create({.caller = "ann", .effective_spec = spec}).value().job);
  }
  std::string next;

  EXPECT_EQ(Ids({}, &next).size(), 1U);
  EXPECT_NE(next, "");
}

TEST_F(JobStoreTest, RefusesPagesThatThereAreNot) {
  v1::ListUpscaleJobsRequest size;
  size.set_page_size(1001);
  v1::ListUpscaleJobsRequest token;
  token.set_page_token("next");
  v1::ListUpscaleJobsRequest state;
  state.set_state(static_cast<v1::UpscaleJobState>(77));

  EXPECT_THAT(FieldOf(store_->List("ann", size).status()), Optional(std::string("page_size")));
  EXPECT_THAT(FieldOf(store_->List("ann", token).status()), Optional(std::string("page_token")));
  EXPECT_THAT(FieldOf(store_->List("ann", state).status()), Optional(std::string("state")));
}

}  // namespace
}  // namespace upscaler
