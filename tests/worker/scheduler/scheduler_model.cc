#include "tests/worker/scheduler/scheduler_model.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/scheduler/engine_calls.h"

namespace upscaler::test {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kRowBytes = 10;
constexpr int kMostSteps = 20;
constexpr std::array kWidths = {1, 2, 4, 8};
constexpr std::array kTileSides = {1, 2, 4};  // Of the widest.
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
  script_.encodes_in_parts = plan_.encodes_in_parts;
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
  const bool tiled = Chance(plan_.tiled);
  const int width = tiled ? kWidths.back() : kWidths[Random(kWidths.size())];
  Image picture{.width = width, .height = 1, .pixels = {}};
  picture.pixels.resize(Image::kChannels * static_cast<std::size_t>(width));
  RowAccount account;
  account.spec = {.picture = std::make_shared<const Image>(std::move(picture)),
                  .prompt = std::to_string(Random(3)),
                  .negative_prompt = "",
                  .guidance_scale = static_cast<double>(1 + Random(2)),
                  .steps = steps,
                  .seed = ++last_seed_};
  if (tiled) {
    account.spec.tile_side = kTileSides[Random(kTileSides.size())];
    account.tiles = width / account.spec.tile_side;
    if (plan_.encodes_in_parts) account.encodings = account.tiles;
  }
  account.key = {.width = tiled ? account.spec.tile_side : width,
                 .height = 1,
                 .guided = account.spec.guidance_scale > 1};
  account.work = steps * account.tiles * StepTime(account.key, 1);
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
       .progress = [this, seed](const RowAdvance& advance) { OnProgress(seed, advance); },
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
      .step = static_cast<int>(1 + Random(static_cast<std::uint64_t>(account.spec.steps))),
      .tile = static_cast<int>(1 + Random(static_cast<std::uint64_t>(account.tiles)))};
  const bool in_parts = account.encodings > 0;
  const int part = in_parts ? at.tile : 0;
  if (Chance(plan_.engine_faults)) {
    const absl::Status lost = absl::UnavailableError("the device was lost");
    const int times = static_cast<int>(1 + Random(3));  // Two are enough to be given up.
    if (Chance(70)) return script_.FailPass(at, lost, times);
    if (in_parts && Chance(50)) {
      account.failing_part = part;
      account.breaks_encoding = times;
      return script_.FailEncoding({.seed = seed, .part = part}, lost, times);
    }
    account.breaks_admit = times;
    return script_.FailAdmit(seed, lost, times);
  }
  if (!Chance(plan_.row_faults)) return;
  // Want of memory lowers the cap for good, so it befalls the largest pictures alone.
  const absl::Status fault = account.key == kLargest && Chance(20)
                                 ? absl::ResourceExhaustedError("out of memory")
                                 : absl::InternalError("something went wrong");
  switch (Random(in_parts ? 5 : 4)) {
    case 0:
      return script_.FailPass(at, fault);
    case 1:
      return script_.FailRow(at, absl::InternalError("not finite"));
    case 2:
      account.fails_admit = true;
      return script_.FailAdmit(seed, fault);
    case 4:
      account.failing_part = part;
      account.fails_encoding = true;
      return script_.FailEncoding({.seed = seed, .part = part}, fault);
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
  DecodingTask task = std::move(decodings_[index]);
  decodings_.erase(decodings_.begin() + static_cast<std::ptrdiff_t>(index));
  std::move(task)();
}

bool SchedulerModel::RunLoop(std::size_t loop) {
  const std::vector<RowAccount*> encoding = RowsToEncode(loop);
  const Part part = encoding.empty() ? Part::kNone : NextPart(*encoding.front());
  const std::vector<std::uint64_t> batch =
      ExpectedBatch(rows_, {.loop = loop,
                            .batching = plan_.batching,
                            .now = clock_.Now(),
                            .virtual_time = queue_.virtual_time(),
                            .most_begun = kBegunBatches * plan_.max_batch,
                            .encoded = part == Part::kEncoded ? encoding.front()->spec.seed : 0,
                            .cap = costs_.BatchCaps()});
  // It waits for no others while it has a row to encode, if that does not fail before.
  if (batch.empty() && encoding.size() == (part == Part::kFails ? 1 : 0)) return false;
  if (part == Part::kBreaks) --encoding.front()->breaks_encoding;
  // A row that fails moves virtual time, as one that departs does.
  const bool foreseeable = IsForeseeable(loop) && part != Part::kFails;
  running_ = loop;
  const std::vector<std::uint64_t> pass =
      part == Part::kBreaks ? std::vector<std::uint64_t>() : ExpectedPass(batch);
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
    account.encodings_left = 0;
    account.passes_done = 0;
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
      std::make_unique<DelayEngine>(script_), CallHere,
      [this](DecodingTask task) {
        if (decodes_at_once_) return std::move(task)();
        decodings_.push_back(std::move(task));
      },
      pulses_);
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

void SchedulerModel::OnProgress(std::uint64_t seed, const RowAdvance& advance) {
  RowAccount& account = rows_.at(seed);
  EXPECT_NE(account.place, Place::kDecoding);
  if (account.place == Place::kWaiting) {
    EXPECT_TRUE(advance.encoding);
    account.place = Place::kBegun;
    account.loop = running_;
    account.begun_as = ++begun_;
    account.encodings_left = account.encodings;
  } else {
    EXPECT_EQ(account.loop, running_);
    Move(account, advance);
  }
  last_virtual_time_ = queue_.virtual_time();
  if (account.steps_done() < account.spec.steps) return;
  account.place = Place::kDecoding;
  if (account.began_anew) return;
  const double stay = ServedTime() - account.arrival;
  const double work = Seconds(account.work);
  report_.most_beyond_work = std::max(report_.most_beyond_work, stay - work);
  report_.most_beyond_double = std::max(report_.most_beyond_double, stay - 2 * work);
}

void SchedulerModel::Move(RowAccount& account, const RowAdvance& advance) {
  if (account.encodings_left > 0) {
    --account.encodings_left;
    ++report_.parts_encoded;
    const double done = account.encodings - account.encodings_left;
    EXPECT_EQ(advance.encoding, account.encodings_left > 0);
    EXPECT_EQ(advance.steps_done, 0);
    EXPECT_EQ(advance.share, advance.encoding ? done / account.encodings : 0);
    return;
  }
  const auto tiles = static_cast<int>(std::lround(advance.share * account.tiles));
  const int passes = advance.steps_done * account.tiles + tiles;
  EXPECT_FALSE(advance.encoding);
  EXPECT_GT(passes, account.passes_done);
  EXPECT_LE(passes, account.passes_done + account.tiles_left());
  account.passes_done = passes;
}

absl::Status SchedulerModel::CheckOutput(const RowAccount& account, const RowOutput& output) {
  const Image expected = DelayEngine::Doubled(*account.spec.picture);
  EXPECT_EQ(std::holds_alternative<Image>(output), account.tiles == 1);
  if (const auto* image = std::get_if<Image>(&output)) {
    EXPECT_EQ(*image, expected);
    return absl::OkStatus();
  }
  decodes_at_once_ = true;
  const absl::StatusOr<Image> band = std::get<std::unique_ptr<PictureRows>>(output)->Next();
  decodes_at_once_ = false;
  if (!band.ok()) return band.status();
  EXPECT_EQ(*band, expected);  // It is one tile high.
  return absl::OkStatus();
}

void SchedulerModel::OnAnswer(std::uint64_t seed, const absl::StatusOr<RowResult>& result) {
  const auto row = rows_.find(seed);
  ASSERT_NE(row, rows_.end()) << "row " << seed << " was answered twice";
  const RowAccount& account = row->second;
  given_up_ += queue_.virtual_time() - last_virtual_time_;
  last_virtual_time_ = queue_.virtual_time();
  absl::Status status = result.status();
  if (result.ok()) {
    EXPECT_EQ(account.place, Place::kDecoding);
    status = CheckOutput(account, result->output);
  }
  EXPECT_TRUE(!absl::IsCancelled(status) || account.cancel->cancelled());
  EXPECT_TRUE(!absl::IsDeadlineExceeded(status) || account.deadline <= clock_.Now());
  ++report_.answers[status.code()];
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

std::vector<RowAccount*> SchedulerModel::RowsToEncode(std::size_t loop) {
  std::vector<RowAccount*> rows;
  for (auto& [seed, account] : rows_) {
    const bool encoding = account.encodings_left > 0 && account.IsLive(clock_.Now());
    if (encoding && account.IsWithin(loop)) rows.push_back(&account);
  }
  std::ranges::sort(rows, {}, &RowAccount::begun_as);
  return rows;
}

SchedulerModel::Part SchedulerModel::NextPart(const RowAccount& account) {
  if (account.encodings - account.encodings_left + 1 != account.failing_part) {
    return Part::kEncoded;
  }
  if (account.breaks_encoding > 0) return Part::kBreaks;
  return account.fails_encoding ? Part::kFails : Part::kEncoded;
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
    const bool steps = !joins || (!account.fails_admit && account.encodings == 0);
    if (steps) pass.push_back(seed);
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
  const std::size_t rows = std::set(expected.begin(), expected.end()).size();
  if (rows > 1) ++report_.shared_passes;
  if (rows > 1 && rows < expected.size()) ++report_.tiled_passes;
}

void SchedulerModel::CheckCounts() {
  std::size_t waiting = 0;
  std::size_t begun = 0;
  TimePoint::duration work{};
  for (const auto& [seed, account] : rows_) {
    if (account.place == Place::kDecoding) continue;
    ++(account.place == Place::kWaiting ? waiting : begun);
    work += account.Left(account.work);
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
  while (RunLoop(0)) continue;
  EXPECT_NEAR(queue_.virtual_time() - before, work, 1e-6);
  while (!decodings_.empty()) DecodeAtRandom();
}

}  // namespace upscaler::test
