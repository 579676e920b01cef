// Servers behind a balancer, their clients, and an autoscaler that starts and ends them.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "benchmarks/scaling/agenda.h"
#include "benchmarks/scaling/autoscaler.h"
#include "benchmarks/scaling/costs.h"
#include "benchmarks/scaling/simulated_server.h"

namespace upscaler::benchmark {

// What became of a picture.
struct Outcome {
  TimePoint arrival;
  int answers = 0;                // 1, or 0 where its client gave up.
  int refusals = 0;               // Before.
  TimePoint::duration latency{};  // From its arrival, over all attempts, to its answer.
  TimePoint::duration wait{};     // In the server's queue.
};

// The fleet at one moment.
struct FleetState {
  TimePoint moment;
  std::size_t ready = 0;
  std::size_t starting = 0;
  std::size_t rows = 0;  // Admitted by those that are ready.
};

struct FleetReport {
  std::vector<Outcome> outcomes;      // In the order of the arrivals.
  std::vector<FleetState> states;     // At regular moments.
  TimePoint::duration server_time{};  // Of all servers, from their start to their end.
  TimePoint::duration busy{};         // Of all devices.
  TimePoint::duration elapsed{};      // Until the last picture was answered.
};

// Runs once. Not thread-safe.
class Fleet {
 public:
  struct Options {
    SimulatedServer::Options server{};
    std::size_t servers = 1;  // At the beginning, ready.
    std::optional<Autoscaler::Options> autoscaler{};
    int steps = 20;  // Of each picture.
    std::uint64_t seed = 1;
  };

  // How often the states are noted.
  static constexpr std::chrono::seconds kStatePeriod{15};

  // `costs` must outlive the fleet.
  Fleet(const Costs& costs, const Options& options);

  // Lets a picture come at each of `arrivals`, which are in order. The balancer gives requests
  // to the servers that are ready, by turns. Who is refused does as the product's clients do:
  // waits for as long as was said and comes again, five times in all.
  FleetReport Run(const std::vector<TimePoint>& arrivals);

 private:
  enum class Phase { kStarting, kReady, kEnding, kEnded };

  struct Member {
    Phase phase = Phase::kStarting;
    TimePoint started;
    std::unique_ptr<SimulatedServer> server;
  };

  // The pictures come one after the other, so that the agenda stays short.
  void AwaitPicture(std::size_t picture);
  void StartServer(TimePoint::duration start);
  // Of those that start the latest, then of those that are ready: it does what it has admitted.
  void EndServer();
  void EndIfIdle(Member& member);
  void Send(std::size_t picture, int attempts);
  void OnAnswer(Member& member, std::size_t picture, TimePoint::duration wait);
  void OnPictureGone();
  void Scale();
  void NoteState();
  Member* NextReady();
  std::size_t Count(Phase phase) const;
  std::size_t ReadyRows() const;

  const Costs& costs_;
  const Options options_;
  Agenda agenda_;
  std::optional<Autoscaler> autoscaler_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Member>> members_;
  std::size_t turn_ = 0;
  std::size_t left_ = 0;  // Pictures that have no outcome.
  FleetReport report_;
};

}  // namespace upscaler::benchmark
