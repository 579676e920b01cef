// Calls recorded on a CUDA device, beside the calls themselves.

#include "worker/kernels/cuda/graph_recorder.h"

#include <array>
#include <memory>
#include <thread>
#include <vector>

#include <ATen/Functions.h>
#include <c10/core/InferenceMode.h>
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/tensor_matchers.h"
#include "tests/worker/kernels/cuda/cuda_library.h"
#include "worker/kernels/group_norm.h"

namespace upscaler::test {
namespace {

MakeGraphRecorder* FindRecorder() {
  return reinterpret_cast<MakeGraphRecorder*>(dlsym(OpenCudaLibrary(), kMakeGraphRecorder));
}

// It needs no device.
TEST(CudaLibraryTest, HasTheRecorder) {
  const std::string why = WhyNoCudaKernels();
  if (!why.empty()) GTEST_SKIP() << why;

  EXPECT_NE(FindRecorder(), nullptr);
}

class GraphRecorderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string why = WhyNoCudaDevice();
    if (!why.empty()) GTEST_SKIP() << why;
    at::manual_seed(0);  // LibTorch's own seed is another each time.
    FindRecorder()(recorder_);
  }

  static at::Tensor Random(at::IntArrayRef shape) { return at::randn(shape).to(at::kCUDA); }

  // A convolution, one of our kernels, a product of matrices.
  static at::Tensor Network(std::span<const at::Tensor> inputs) {
    const at::Tensor scale = at::ones({1, 32}, inputs[0].options());
    const at::Tensor features =
        at::conv2d(inputs[0].contiguous(at::MemoryFormat::ChannelsLast), inputs[1], {}, 1, 1);
    const at::Tensor normal =
        GroupNormActivation(features, 8, 1e-5, scale, scale, Activation::kGelu);
    return at::matmul(normal, inputs[2]);
  }

  static std::vector<at::Tensor> Inputs(std::int64_t side) {
    return {Random({2, 8, side, side}), Random({32, 8, 3, 3}), Random({side, side})};
  }

  std::unique_ptr<CallRecorder> recorder_;

 private:
  c10::InferenceMode inference_;
};

TEST_F(GraphRecorderTest, ReplaysWithOtherNumbers) {
  const auto recorded = recorder_->Record(Network, Inputs(24));

  for (int i = 0; i < 3; ++i) {
    const std::vector<at::Tensor> inputs = Inputs(24);
    EXPECT_THAT(recorded->Replay(inputs), TensorNear(Network(inputs), 1e-3));
  }
}

TEST_F(GraphRecorderTest, KeepsAnswersApartThatGraphsOfOneMemoryMake) {
  const auto small = recorder_->Record(Network, Inputs(16));
  const auto large = recorder_->Record(Network, Inputs(48));
  const std::vector<at::Tensor> few = Inputs(16);
  const std::vector<at::Tensor> many = Inputs(48);

  const at::Tensor first = small->Replay(few);
  const at::Tensor second = large->Replay(many);
  const at::Tensor third = small->Replay(Inputs(16));

  EXPECT_THAT(first, TensorNear(Network(few), 1e-3));
  EXPECT_THAT(second, TensorNear(Network(many), 1e-3));
  EXPECT_EQ(third.sizes(), first.sizes());
}

TEST_F(GraphRecorderTest, LeavesTheDeviceUsableWhereACallCannotBeRecorded) {
  // It asks the device for a number.
  const auto asks = [](std::span<const at::Tensor> inputs) {
    return inputs[0] * inputs[0].sum().item<double>();
  };
  EXPECT_THROW(recorder_->Record(asks, Inputs(16)), c10::Error);

  const std::vector<at::Tensor> inputs = Inputs(16);
  const auto recorded = recorder_->Record(Network, inputs);

  EXPECT_THAT(recorded->Replay(inputs), TensorNear(Network(inputs), 1e-3));
}

TEST_F(GraphRecorderTest, RecordsWhileAnotherThreadUsesTheDevice) {
  std::jthread other([](const std::stop_token& stop) {
    const c10::InferenceMode inference;
    for (std::int64_t side = 1; !stop.stop_requested(); side = side % 512 + 1) {
      at::ones({side, side}, at::kCUDA).sum().item<double>();
    }
  });

  for (int i = 0; i < 20; ++i) {
    const std::vector<at::Tensor> inputs = Inputs(16);
    EXPECT_THAT(recorder_->Record(Network, inputs)->Replay(inputs),
                TensorNear(Network(inputs), 1e-3));
  }
}

}  // namespace
}  // namespace upscaler::test
