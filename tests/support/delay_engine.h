// An engine without a model: it repeats every pixel, takes as long as it is told to, and
// fails when it is told to. Its tiles stand side by side; there is nothing to blend.

#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "tests/support/engine_script.h"
#include "worker/scheduler/engine.h"

namespace upscaler::test {

// As Engine says. What the seam forbids its callers is noted as a breach in the script, and
// answered kInternal where there is an answer.
class DelayEngine final : public Engine {
 public:
  using Script = EngineScript;

  // A row with this prompt is taken in with a warning.
  static constexpr const char* kTooLongPrompt = "too long";

  // `script` must outlive the engine and its decodings.
  explicit DelayEngine(Script& script) : script_(script) {}
  ~DelayEngine() override;

  absl::StatusOr<Intake> Admit(RowId id, const RowSpec& spec) override;
  absl::StatusOr<int> Encode(RowId id) override;
  absl::StatusOr<std::vector<absl::Status>> Step(std::span<const RowId> rows) override;
  absl::StatusOr<Image> Preview(RowId id) override;
  Decoding Finish(RowId id) override;
  void Drop(RowId id) override;
  bool wants_one_thread() const override { return script_.wants_one_thread; }
  SideRule sides() const override { return script_.sides; }
  LatentsRule latents() const override { return script_.latents; }
  std::int64_t RowBytes(const BatchKey& key) const override;
  std::int64_t FreeBytes() const override { return script_.free_bytes; }

  // Every pixel, or every latent, as a block of 2×2: what comes of a row.
  static Image Doubled(const Image& image);
  static Latents Doubled(const Latents& latents);

  // The preview of every row whose whole picture has the size of `key`: a picture of the size
  // of its latents, in one grey that tells the steps done.
  static Image PreviewOf(const BatchKey& key, const LatentsRule& rule, int steps_done);

  // How many tiles the picture is done in.
  static int TilesOf(const RowSpec& spec);

 private:
  struct RowInside {
    RowSpec spec;
    RowCourse course;
    int encodings = 0;  // Parts of its picture,
    int encoded = 0;    // and those that are encoded.
  };

  // A call of the engine, from its beginning to its end. Two at a time are a breach.
  class Call {
   public:
    explicit Call(DelayEngine& engine);
    ~Call() { engine_.busy_ = false; }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    DelayEngine& engine_;
  };

  // What forbids these rows to take a step together; empty where nothing does.
  std::string BreachOf(std::span<const RowId> rows) const;
  absl::Status Breach(std::string what);

  Script& script_;
  std::map<RowId, RowInside> rows_;
  bool broken_ = false;
  std::atomic<bool> busy_ = false;
};

}  // namespace upscaler::test
