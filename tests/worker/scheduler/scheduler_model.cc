#include "tests/worker/scheduler/scheduler_model.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upscaler::test {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kRowBytes = 10;
constexpr int kMostSteps = 20;
constexpr std::array kWidths = {1, 2, 4, 8};
constexpr BatchKey kLargest = {.width = kWidths.back(), .height = 1, .guided = true};

// As in step_loop.cc: how many full batches of rows a loop keeps begun at most.
constexpr std::size_t kBegunBatches = 4;

double Seconds(TimePoint::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

SchedulerModel::SchedulerModel(const Plan& plan)
    : plan_(plan), random_(plan.seed), costs_(plan.max_batch), loops_(plan.loops) {
  script_.step = [this](std::size_t rows) {
    return 100ms * static_cast<int>((rows + plan_.gaining - 1) / plan_.gaining);
  };
  script_.scale = [](const BatchKey& key) { return static_cast<double>(key.width * key.passes()); };
  script_.pass_time = [this](TimePoint::duration time) { clock_.Advance(time); };
  for (std::size_t loop = 0; loop < loops_.size(); ++loop) MakeLoop(loop);
}

double SchedulerModel::full_pass() const {
  const std::size_t rows = plan_.batching == Batching::kNone ? 1 : plan_.max_batch;
  return Seconds(StepTime(kLargest, 1)) * static_cast<double>(rows);
}

double SchedulerModel::longest_row() const { return kMostSteps * Seconds(StepTime(kLargest, 1)); }

SchedulerModel::Report SchedulerModel::Run() {
  for (int event = 0; event < plan_.events && !::testing::Test::HasFailure(); ++event) {
    if (event % 5000 == 0) load_ = std::array<std::uint64_t, 3>{3, 10, 40}[Random(3)];
    HappenAtRandom();
    if (event % 8 == 0) CheckCounts();
  }
  WorkOff();
  CheckNothingStaysBehind();
  return report_;
}

void SchedulerModel::HappenAtRandom() {
  if (Chance(load_)) return Submit();
  if (Chance(plan_.cancels)) return CancelAtRandom();
  if (Chance(15)) return DecodeAtRandom();
  if (Chance(2)) return clock_.Advance(std::chrono::milliseconds(Random(2000)));
  RunLoop(Random(loops_.size()));
}

void SchedulerModel::Submit() {
  RowAccount account = MakeAccount(static_cast<int>(1 + Random(kMostSteps)));
  if (Chance(plan_.deadlines)) {
    account.deadline = clock_.Now() + account.work * static_cast<int>(1 + Random(40)) / 4;
  }
  PlanFaults(account);
  Push(std::move(account));
}

RowAccount SchedulerModel::MakeAccount(int steps) {
  const int width = kWidths[Random(kWidths.size())];
  Image picture{.width = width, .height = 1, .pixels = {}};
  picture.pixels.resize(Image::kChannels * static_cast<std::size_t>(width));
  RowAccount account;
  account.spec = {.picture = std::make_shared<const Image>(std::move(picture)),
                  .prompt = std::to_string(Random(3)),
                  .negative_prompt = "",
                  .guidance_scale = static_cast<double>(1 + Random(2)),
                  .steps = steps,
                  .seed = ++last_seed_};
  account.key = BatchKeyOf(account.spec);
  account.work = steps * StepTime(account.key, 1);
  account.decoding = account.work / 5;
  account.cancel = std::make_shared<CancelToken>();
  account.arrival = ServedTime();
  account.fair_finish = queue_.virtual_time() + Seconds(account.work);
  return account;
}

void SchedulerModel::Push(RowAccount account) {
  absl::StatusOr<Reservation> reservation = admission_.Reserve(1, kRowBytes);
  EXPECT_EQ(reservation.ok(), rows_.size() < admission_.limits().rows);
  ++(reservation.ok() ? report_.admitted : report_.refused);
  if (!reservation.ok()) return;

  const std::uint64_t seed = account.spec.seed;
  std::vector<Row> rows;
  rows.push_back(
      {.spec = account.spec,
       .deadline = account.deadline,
       .cancel = account.cancel,
       .progress = [this, seed](int steps_done) { OnProgress(seed, steps_done); },
       .reply = Reply([this, seed, held = *std::move(reservation)](
                          const absl::StatusOr<RowResult>& result) { OnAnswer(seed, result); }),
       .work = account.work,
       .decoding = account.decoding});
  rows_.emplace(seed, std::move(account));
  queue_.Push(std::move(rows));
}

void SchedulerModel::PlanFaults(RowAccount& account) {
  const std::uint64_t seed = account.spec.seed;
  const EngineScript::RowStep at = {
      .seed = seed,
      .step = static_cast<int>(1 + Random(static_cast<std::uint64_t>(account.spec.steps)))};
  if (Chance(plan_.engine_faults)) {
    const absl::Status lost = absl::UnavailableError("the device was lost");
    const int times = static_cast<int>(1 + Random(3));  // Two are enough to be given up.
    if (Chance(70)) return script_.FailPass(at, lost, times);
    account.breaks_admit = times;
    return script_.FailAdmit(seed, lost, times);
  }
  if (!Chance(plan_.row_faults)) return;
  // Want of memory lowers the cap for good, so it befalls the largest pictures alone.
  const absl::Status fault = account.key == kLargest && Chance(20)
                                 ? absl::ResourceExhaustedError("out of memory")
                                 : absl::InternalError("something went wrong");
  switch (Random(4)) {
    case 0:
      return script_.FailPass(at, fault);
    case 1:
      return script_.FailRow(at, absl::InternalError("not finite"));
    case 2:
      account.fails_admit = true;
      return script_.FailAdmit(seed, fault);
    default:
      return script_.FailDecoding(seed, fault);
  }
}

void SchedulerModel::CancelAtRandom() {
  if (rows_.empty()) return;
  const auto row = std::next(rows_.begin(), static_cast<std::ptrdiff_t>(Random(rows_.size())));
  row->second.cancel->Cancel();
  if (Chance(50)) queue_.DropDeparted();
}

void SchedulerModel::DecodeAtRandom() {
  if (decodings_.empty()) return;
  const std::size_t index = Random(decodings_.size());
  StepLoop::Task task = std::move(decodings_[index]);
  decodings_.erase(decodings_.begin() + static_cast<std::ptrdiff_t>(index));
  std::move(task)();
}

bool SchedulerModel::RunLoop(std::size_t loop) {
  const std::vector<std::uint64_t> batch =
      ExpectedBatch(rows_, {.loop = loop,
                            .batching = plan_.batching,
                            .now = clock_.Now(),
                            .virtual_time = queue_.virtual_time(),
                            .most_begun = kBegunBatches * plan_.max_batch,
                            .cap = costs_.BatchCaps()});
  if (batch.empty()) return false;
  const bool foreseeable = IsForeseeable(loop);
  running_ = loop;
  const std::vector<std::uint64_t> pass = ExpectedPass(batch);
  const StepLoop::Outcome outcome = loops_[loop]->Run();
  if (foreseeable) {
    CheckPasses(pass);
  } else {
    script_.TakePasses();
  }
  if (outcome == StepLoop::Outcome::kStepped) return true;

  EXPECT_EQ(outcome, StepLoop::Outcome::kBroken);
  ++report_.engines_broken;
  for (auto& [seed, account] : rows_) {
    if (account.place != Place::kBegun || account.loop != loop) continue;
    account.place = Place::kWaiting;
    account.steps_done = 0;
    account.began_anew = true;
  }
  loops_[loop]->GiveBack();
  MakeLoop(loop);
  return true;
}

void SchedulerModel::MakeLoop(std::size_t loop) {
  loops_[loop] = nullptr;
  loops_[loop] = std::make_unique<StepLoop>(
      parts_, StepLoop::Options{.device = "cpu", .batching = plan_.batching},
      std::make_unique<DelayEngine>(script_),
      [this](StepLoop::Task task) { decodings_.push_back(std::move(task)); }, pulses_);
}

void SchedulerModel::WorkOff() {
  while (!rows_.empty() && !::testing::Test::HasFailure()) {
    queue_.DropDeparted();
    DecodeAtRandom();
    bool any_ran = false;
    for (std::size_t loop = 0; loop < loops_.size(); ++loop) any_ran |= RunLoop(loop);
    if (any_ran || !decodings_.empty() || rows_.empty()) continue;
    // Rows that have departed are left in a loop that would wait: it comes to them with its
    // next row.
    const std::size_t loop = rows_.begin()->second.loop;
    Push(MakeAccount(/*steps=*/1));
    RunLoop(loop);
  }
}

void SchedulerModel::OnProgress(std::uint64_t seed, int steps_done) {
  RowAccount& account = rows_.at(seed);
  if (steps_done == 0) {
    EXPECT_EQ(account.place, Place::kWaiting);
    account.place = Place::kBegun;
    account.loop = running_;
  } else {
    EXPECT_EQ(account.place, Place::kBegun);
    EXPECT_EQ(account.loop, running_);
    EXPECT_EQ(account.steps_done + 1, steps_done);
  }
  account.steps_done = steps_done;
  last_virtual_time_ = queue_.virtual_time();
  if (steps_done < account.spec.steps) return;
  account.place = Place::kDecoding;
  if (account.began_anew) return;
  const double stay = ServedTime() - account.arrival;
  const double work = Seconds(account.work);
  report_.most_beyond_work = std::max(report_.most_beyond_work, stay - work);
  report_.most_beyond_double = std::max(report_.most_beyond_double, stay - 2 * work);
}

void SchedulerModel::OnAnswer(std::uint64_t seed, const absl::StatusOr<RowResult>& result) {
  const auto row = rows_.find(seed);
  ASSERT_NE(row, rows_.end()) << "row " << seed << " was answered twice";
  const RowAccount& account = row->second;
  given_up_ += queue_.virtual_time() - last_virtual_time_;
  last_virtual_time_ = queue_.virtual_time();
  if (result.ok()) {
    EXPECT_EQ(account.place, Place::kDecoding);
    EXPECT_EQ(std::get<Image>(result->output), DelayEngine::Doubled(*account.spec.picture));
  }
  EXPECT_TRUE(!absl::IsCancelled(result.status()) || account.cancel->cancelled());
  EXPECT_TRUE(!absl::IsDeadlineExceeded(result.status()) || account.deadline <= clock_.Now());
  ++report_.answers[result.status().code()];
  rows_.erase(row);
}

bool SchedulerModel::IsForeseeable(std::size_t loop) const {
  return std::ranges::all_of(rows_, [&](const auto& row) {
    return !row.second.IsWithin(loop) || row.second.IsLive(clock_.Now());
  });
}

TimePoint::duration SchedulerModel::StepTime(const BatchKey& key, std::size_t rows) const {
  return script_.step(rows) * key.width * key.passes();
}

std::vector<std::uint64_t> SchedulerModel::ExpectedPass(const std::vector<std::uint64_t>& batch) {
  std::vector<std::uint64_t> pass;
  for (const std::uint64_t seed : batch) {
    RowAccount& account = rows_.at(seed);
    const bool joins = account.place == Place::kWaiting;
    if (joins && account.breaks_admit > 0) {
      --account.breaks_admit;
      return {};
    }
    if (!joins || !account.fails_admit) pass.push_back(seed);
  }
  return pass;
}

void SchedulerModel::CheckPasses(std::vector<std::uint64_t> expected) {
  std::vector<EngineScript::Seeds> passes = script_.TakePasses();
  if (expected.empty()) {
    EXPECT_THAT(passes, ::testing::IsEmpty());
    return;
  }
  ASSERT_THAT(passes, ::testing::Not(::testing::IsEmpty()));
  // The first one; what follows are its parts, where it failed.
  std::ranges::sort(passes.front());
  std::ranges::sort(expected);
  EXPECT_EQ(passes.front(), expected);
  ++report_.passes;
  if (expected.size() > 1) ++report_.shared_passes;
}

void SchedulerModel::CheckCounts() {
  std::size_t waiting = 0;
  std::size_t begun = 0;
  TimePoint::duration work{};
  for (const auto& [seed, account] : rows_) {
    if (account.place == Place::kDecoding) continue;
    ++(account.place == Place::kWaiting ? waiting : begun);
    work += account.work * (account.spec.steps - account.steps_done) / account.spec.steps;
  }
  EXPECT_EQ(admission_.rows(), rows_.size());
  EXPECT_EQ(admission_.bytes(), kRowBytes * static_cast<std::int64_t>(rows_.size()));
  EXPECT_EQ(queue_.depth(), waiting);
  EXPECT_EQ(script_.rows_inside(), begun);
  EXPECT_EQ(queue_.work_ahead(), work);
}

void SchedulerModel::CheckNothingStaysBehind() {
  CheckCounts();
  EXPECT_THAT(rows_, ::testing::IsEmpty());
  EXPECT_THAT(script_.breaches(), ::testing::IsEmpty());
  std::size_t answered = 0;
  for (const auto& [code, count] : report_.answers) answered += count;
  EXPECT_EQ(answered, report_.admitted);

  // A row that is alone has the whole of the imagined device.
  RowAccount alone = MakeAccount(/*steps=*/5);
  const double work = Seconds(alone.work);
  const double before = queue_.virtual_time();
  Push(std::move(alone));
  for (int step = 0; step < 5; ++step) RunLoop(0);
  EXPECT_NEAR(queue_.virtual_time() - before, work, 1e-6);
  while (!decodings_.empty()) DecodeAtRandom();
}

}  // namespace upscaler::test
