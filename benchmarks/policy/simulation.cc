#include "benchmarks/policy/simulation.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "common/clock.h"
#include "tests/support/delay_engine.h"
#include "tests/support/fake_clock.h"
#include "tests/support/null_observer.h"
#include "worker/queue/row_queue.h"
#include "worker/scheduler/cost_model.h"
#include "worker/scheduler/engine_calls.h"
#include "worker/scheduler/step_loop.h"

namespace upscaler::benchmark {
namespace {

TimePoint::duration ToDuration(Seconds seconds) {
  return std::chrono::duration_cast<TimePoint::duration>(seconds);
}

class StepSimulation {
 public:
  StepSimulation(const std::vector<Job>& jobs, const Device& device, std::size_t max_batch,
                 Batching batching, DecodePlace decode)
      : jobs_(jobs),
        device_(device),
        batching_(batching),
        decode_(decode),
        costs_(max_batch),
        latencies_(jobs.size()) {}

  std::vector<Seconds> Run() {
    script_.step = [this](std::size_t rows) { return ToDuration(device_.step(rows)); };
    script_.pass_time = [this](TimePoint::duration time) { clock_.Advance(time); };
    auto engine = std::make_unique<test::DelayEngine>(script_);

    StepLoop loop(
        parts_, {.batching = batching_}, std::move(engine), CallHere,
        [this](DecodingTask task) { Decode(std::move(task)); }, pulses_);
    while (next_ < jobs_.size() || unfinished_ > 0) {
      if (unfinished_ == 0) AdvanceTo(jobs_[next_].arrival);
      while (next_ < jobs_.size() && jobs_[next_].arrival <= Now()) Push(next_++);
      loop.Run();
    }
    return std::move(latencies_);
  }

 private:
  Seconds Now() const { return clock_.Now() - TimePoint(); }

  // Rounded up, so that what is due then is due.
  void AdvanceTo(Seconds moment) {
    if (moment > Now()) clock_.Advance(ToDuration(moment - Now()) + TimePoint::duration(1));
  }

  static std::shared_ptr<const Image> PictureOf(int side) {
    const std::size_t samples = Image::kChannels * static_cast<std::size_t>(side);
    return std::make_shared<const Image>(
        Image{.width = side, .height = 1, .pixels = std::vector<std::uint8_t>(samples)});
  }

  void Push(std::size_t number) {
    const Job& job = jobs_[number];
    std::vector<Row> rows;
    rows.push_back(Row{.spec = {.picture = PictureOf(job.side),
                                .prompt = job.prompt,
                                .negative_prompt = "",
                                .guidance_scale = 2,
                                .steps = job.steps},
                       .cancel = std::make_shared<CancelToken>(),
                       .progress = [](const RowAdvance& /*advance*/) {},
                       .reply = Reply([this, number](const absl::StatusOr<RowResult>& /*result*/) {
                         latencies_[number] = answered_at_ - jobs_[number].arrival;
                         --unfinished_;
                       }),
                       .work = job.steps * ToDuration(device_.step(1))});
    ++unfinished_;
    queue_.Push(std::move(rows));
  }

  void Decode(DecodingTask task) {
    if (decode_ == DecodePlace::kBetweenTheSteps) {
      clock_.Advance(ToDuration(device_.decode));
      answered_at_ = Now();
    } else {
      answered_at_ = std::max(answered_at_, Now()) + device_.decode;  // One after the other.
    }
    std::move(task)();
  }

  const std::vector<Job>& jobs_;
  const Device& device_;
  const Batching batching_;
  const DecodePlace decode_;

  test::FakeClock clock_;
  test::NullObserver observer_;
  RowQueue queue_{clock_};
  CostModel costs_;
  const SchedulerParts parts_{
      .queue = queue_, .costs = costs_, .clock = clock_, .observer = observer_};
  Pulses pulses_{clock_};
  test::DelayEngine::Script script_;

  std::size_t next_ = 0;  // Of the jobs, in the order of their arrivals.
  std::size_t unfinished_ = 0;
  Seconds answered_at_{};
  std::vector<Seconds> latencies_;
};

}  // namespace

std::vector<Seconds> SimulateSteps(const std::vector<Job>& jobs, const Device& device,
                                   std::size_t max_batch, Batching batching, DecodePlace decode) {
  return StepSimulation(jobs, device, max_batch, batching, decode).Run();
}

}  // namespace upscaler::benchmark
