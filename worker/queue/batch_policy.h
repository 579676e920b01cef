// Which rows take the next step: the policy, and nothing but the policy.
//
// At every step boundary the rows that a replica has begun and those that wait
// stand side by side, and the best of them are stepped. So a short row does not
// wait for a long one to end, and a row that is passed over keeps what was done
// for it. docs/scheduling.md explains the order and shows what it is worth.

#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "worker/queue/row.h"

namespace upscaler {

// Which rows may share a step. Tiles of one row always may.
enum class Batching {
  kFill,        // Rows of one BatchKey; those of one prompt go first.
  kSamePrompt,  // Rows of one BatchKey and one prompt.
  kNone,        // None: one row at a time.
};

// A row that could take a step, or as many of its tiles as are left of one.
struct Candidate {
  const Row* row = nullptr;
  RowCourse course{};
  bool begun = false;  // It is in the replica that asks.
};

// What a step of rows has to keep to.
struct BatchRule {
  Batching batching = Batching::kFill;
  // How many rows of a key, or tiles of them, may share a step, at least 1. Called with
  // the queue's lock held: returns at once and calls nothing of the queue's.
  std::function<std::size_t(const BatchKey&)> max_rows;
};

// The moment of a choice.
struct Moment {
  TimePoint now;
  double virtual_time = 0;  // FairShare's.
  // Replicas that have nothing to do; they are left their part of the rows.
  std::size_t idle_replicas = 0;
};

// The order of two rows, best first:
//  1. rows whose fair finish has passed, in the order of their fair finishes, so
//     that nothing below can make a row wait much longer than is fair;
//  2. rows that miss their deadlines unless they run now, in the order of these;
//  3. the others in the order of their fair finishes.
// Rows that are equal in this are in the order of their age.
bool GoesBefore(const Candidate& a, const Candidate& b, const Moment& moment);

// Which of `candidates` take the next step together: the best one, and with it
// the best others that `rule` lets share its step. Answers their indices, the
// best first, each once for every pass that it takes: as many as are left of its step,
// up to the rule's bound, and one if it has yet to begin. None only where there are no
// candidates.
std::vector<std::size_t> ChooseBatch(std::span<const Candidate> candidates, const BatchRule& rule,
                                     const Moment& moment);

}  // namespace upscaler
