#include "tests/support/engine_script.h"

#include <iterator>
#include <utility>

namespace upscaler::test {
namespace {

absl::Status NoMemory() { return absl::ResourceExhaustedError("out of memory"); }

}  // namespace

void EngineScript::FailPass(const RowStep& at, absl::Status error, int times) {
  MutexLock lock(mutex_);
  pass_faults_[at] = {.error = std::move(error), .times = times};
}

void EngineScript::FailRow(const RowStep& at, absl::Status error) {
  MutexLock lock(mutex_);
  row_faults_[at.seed] = {at, std::move(error)};
}

void EngineScript::FailAdmit(std::uint64_t seed, absl::Status error, int times) {
  MutexLock lock(mutex_);
  admit_faults_[seed] = {.error = std::move(error), .times = times};
}

void EngineScript::FailEncoding(const RowPart& at, absl::Status error, int times) {
  MutexLock lock(mutex_);
  encoding_faults_[at] = {.error = std::move(error), .times = times};
}

void EngineScript::FailDecoding(std::uint64_t seed, absl::Status error) {
  MutexLock lock(mutex_);
  decoding_faults_[seed] = {.error = std::move(error)};
}

void EngineScript::LimitRows(std::size_t rows) {
  MutexLock lock(mutex_);
  max_rows_ = rows;
}

void EngineScript::LimitPixels(std::int64_t pixels) {
  MutexLock lock(mutex_);
  max_pixels_ = pixels;
}

void EngineScript::HangPass(const RowStep& at) {
  MutexLock lock(mutex_);
  hanging_passes_.insert(at);
}

void EngineScript::HangDecodings() {
  MutexLock lock(mutex_);
  decodings_hang_ = true;
}

void EngineScript::Release() {
  MutexLock lock(mutex_);
  hanging_passes_.clear();
  decodings_hang_ = false;
  ++releases_;
  changed_.notify_all();
}

void EngineScript::AwaitHanging(std::size_t calls) {
  MutexLock lock(mutex_);
  while (hanging_ < calls) lock.Wait(changed_);
}

std::vector<EngineScript::Seeds> EngineScript::passes() const {
  MutexLock lock(mutex_);
  return {passes_.begin(), passes_.end()};
}

std::vector<EngineScript::Seeds> EngineScript::TakePasses() {
  MutexLock lock(mutex_);
  std::vector<Seeds> taken(std::make_move_iterator(passes_.begin()),
                           std::make_move_iterator(passes_.end()));
  passes_.clear();
  return taken;
}

std::size_t EngineScript::admitted() const {
  MutexLock lock(mutex_);
  return admitted_;
}

std::size_t EngineScript::finished() const {
  MutexLock lock(mutex_);
  return finished_;
}

std::size_t EngineScript::rows_inside() const {
  MutexLock lock(mutex_);
  return admitted_ - finished_ - dropped_;
}

std::vector<std::string> EngineScript::breaches() const {
  MutexLock lock(mutex_);
  return breaches_;
}

absl::Status EngineScript::OnAdmit(const RowSpec& spec) {
  MutexLock lock(mutex_);
  const BatchKey key = BatchKeyOf(spec);
  if (std::int64_t{key.width} * key.height > max_pixels_) return NoMemory();
  absl::Status status = Strike(admit_faults_, spec.seed);
  if (status.ok()) ++admitted_;
  return status;
}

absl::Status EngineScript::OnEncode(const RowPart& part) {
  MutexLock lock(mutex_);
  return Strike(encoding_faults_, part);
}

EngineScript::PassOutcome EngineScript::OnPass(std::span<const RowStep> rows) {
  MutexLock lock(mutex_);
  Seeds seeds;
  for (const RowStep& row : rows) seeds.push_back(row.seed);
  passes_.push_back(std::move(seeds));
  if (passes_.size() > kPassesKept) passes_.pop_front();

  for (const RowStep& row : rows) {
    if (hanging_passes_.erase(row) > 0) Hang(lock);
  }
  if (rows.size() > max_rows_) return {.whole = NoMemory(), .rows = {}};
  for (const RowStep& row : rows) {
    if (absl::Status status = Strike(pass_faults_, row); !status.ok())
      return {.whole = status, .rows = {}};
  }
  PassOutcome outcome;
  for (const RowStep& row : rows) {
    const auto fault = row_faults_.find(row.seed);
    const bool strikes = fault != row_faults_.end() && row >= fault->second.first;
    outcome.rows.push_back(strikes ? fault->second.second : absl::OkStatus());
  }
  return outcome;
}

absl::Status EngineScript::OnDecoding(std::uint64_t seed) {
  MutexLock lock(mutex_);
  if (decodings_hang_) Hang(lock);
  return Strike(decoding_faults_, seed);
}

void EngineScript::OnFinish() {
  MutexLock lock(mutex_);
  ++finished_;
}

void EngineScript::OnDrop() {
  MutexLock lock(mutex_);
  ++dropped_;
}

void EngineScript::OnBreach(std::string what) {
  MutexLock lock(mutex_);
  breaches_.push_back(std::move(what));
}

template <typename Key>
absl::Status EngineScript::Strike(std::map<Key, Fault>& faults, const Key& key) {
  const auto fault = faults.find(key);
  if (fault == faults.end()) return absl::OkStatus();
  absl::Status error = fault->second.error;
  if (fault->second.times != kAlways && --fault->second.times == 0) faults.erase(fault);
  return error;
}

void EngineScript::Hang(MutexLock& lock) {
  ++hanging_;
  changed_.notify_all();
  const int before = releases_;
  while (releases_ == before) lock.Wait(changed_);
  --hanging_;
}

}  // namespace upscaler::test
