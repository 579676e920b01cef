#include "benchmarks/scaling/simulated_server.h"

#include <cassert>
#include <chrono>
#include <cstdint>
#include <utility>

#include <absl/status/statusor.h>

#include "common/error_details.h"
#include "tests/support/delay_engine.h"
#include "worker/scheduler/engine_calls.h"
#include "worker/scheduler/warm_up.h"

namespace upscaler::benchmark {
namespace {

// All pictures are of one size, the smallest there is: what they cost does not come from it.
constexpr int kSide = 1;
constexpr double kGuidance = 2;

// More than the measurement takes: here it costs nothing.
constexpr std::chrono::hours kWarmUp{24};

RowSpec SpecOf(int steps) {
  static const auto kPicture = std::make_shared<const Image>(Image{
      .width = kSide, .height = kSide, .pixels = std::vector<std::uint8_t>(Image::kChannels)});
  return {.picture = kPicture,
          .prompt = "",
          .negative_prompt = "",
          .guidance_scale = kGuidance,
          .steps = steps};
}

}  // namespace

SimulatedServer::SimulatedServer(const Costs& costs, const Options& options, Agenda& agenda,
                                 Answered answered)
    : costs_(costs),
      agenda_(agenda),
      answered_(std::move(answered)),
      admission_({.rows = options.queue_capacity}),
      queue_(agenda.clock()),
      measured_(options.max_batch),
      parts_{.queue = queue_, .costs = measured_, .clock = agenda.clock(), .observer = observer_},
      forecast_(admission_, queue_, measured_, [this] { return devices_.size(); }) {
  for (std::size_t i = 0; i < options.devices; ++i) AddDevice();
}

void SimulatedServer::AddDevice() {
  auto device = std::make_unique<Device>(agenda_.clock());
  test::EngineScript& script = device->script;
  script.encode = costs_.encode;
  script.step = [this](std::size_t rows) { return costs_.Step(rows); };
  script.decode = costs_.decode;
  script.pass_time = [this](TimePoint::duration time) { agenda_.clock().Advance(time); };
  auto engine = std::make_unique<test::DelayEngine>(script);
  if (devices_.empty()) {
    agenda_.EndOf([&] {
      [[maybe_unused]] const absl::Status measured = MeasureCosts(
          *engine, {.max_pixels = kSide, .budget = kWarmUp}, agenda_.clock(), measured_);
      assert(measured.ok());
    });
  }
  // Decoding takes the device's time, as on a CPU. On a GPU the product decodes beside the
  // steps, which then are slower by as much.
  const Decoder decode_at_once = [](DecodingTask task) { std::move(task)(); };
  device->loop = std::make_unique<StepLoop>(parts_, StepLoop::Options{}, std::move(engine),
                                            CallHere, decode_at_once, device->pulses);
  devices_.push_back(std::move(device));
}

absl::Status SimulatedServer::Offer(std::size_t picture, int steps) {
  absl::StatusOr<Reservation> reservation = admission_.Reserve(/*rows=*/1, /*bytes=*/0);
  if (!reservation.ok()) {
    return WithRetryAfter(reservation.status(), forecast_.UntilRoom(/*rows=*/1));
  }
  reservations_.emplace(picture, *std::move(reservation));

  const RowSpec spec = SpecOf(steps);
  const BatchKey key = BatchKeyOf(spec);
  const auto answer = [this, picture](const absl::StatusOr<RowResult>& result) {
    assert(result.ok());
    agenda_.At(agenda_.Now(), [this, picture, wait = result->timings.queue] {
      reservations_.erase(picture);
      answered_(picture, wait);
    });
  };
  std::vector<Row> rows;
  rows.push_back(Row{.spec = spec,
                     .cancel = std::make_shared<CancelToken>(),
                     .progress = [](const RowAdvance& /*advance*/) {},
                     .reply = Reply(answer),
                     .work = measured_.RowTime(key, steps),
                     .decoding = measured_.DecodeTime(key)});
  queue_.Push(std::move(rows));
  WakeDevices();
  return absl::OkStatus();
}

void SimulatedServer::WakeDevices() {
  for (const auto& device : devices_) {
    const bool has_work = queue_.depth() > 0 || device->script.rows_inside() > 0;
    if (!device->stepping && has_work) Step(*device);
  }
}

void SimulatedServer::Step(Device& device) {
  device.stepping = true;
  const TimePoint end = agenda_.EndOf([&] { device.loop->Run(); });
  busy_ += end - agenda_.Now();
  agenda_.At(end, [this, &device] {
    device.stepping = false;
    WakeDevices();
  });
}

}  // namespace upscaler::benchmark
