#include "client/cli/upscale_command.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <stdlib.h>

#include "tests/support/fake_upscaler_service.h"
#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::FakeUpscalerService;
using test::GoodScript;
using test::QueueFull;
using test::UpscaleScript;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class UpscaleCommandTest : public ::testing::Test {
 protected:
  UpscaleCommandTest() {
    line_.inputs = {folder_.Write("in.png", "the image")};
    line_.output = folder_.Path("out.png");
    line_.retry_for = 0ms;
    line_.retry_delay = 1ms;
  }

  // Three inputs, in a folder, for the folder "out".
  void UseFolder() {
    std::filesystem::create_directories(folder_.path() / "photos" / "sub");
    for (const char* name : {"photos/a.png", "photos/b.jpg", "photos/sub/c.png"}) {
      folder_.Write(name, name);
    }
    line_.inputs = {folder_.Path("photos")};
    line_.output = folder_.Path("out");
    line_.recursive = true;
    line_.jobs = 1;
  }

  // Numbers [4, 2, 3], as NumPy writes them.
  void UseLatents() {
    std::string header = "{'descr': '<f2', 'fortran_order': False, 'shape': (4, 2, 3), }";
    header.resize(117, ' ');
    line_.inputs = {folder_.Write("in.npy", std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header +
                                                "\n" + std::string(48, 'n'))};
    line_.latents_family = v1::LATENTS_FAMILY_STABLE_DIFFUSION_1;
  }

  // Runs line_ against a service that plays `script`.
  ExitCode Run(const UpscaleScript& script) {
    FakeUpscalerService service(script);
    return Run(service);
  }

  ExitCode Run(FakeUpscalerService& service) {
    line_.server.target = service.target();
    return Run();
  }

  ExitCode Run() { return RunUpscale(line_, {.in = in_, .out = out_, .err = err_}); }

  // The lines that were printed for programs.
  std::vector<nlohmann::json> Facts() const {
    std::vector<nlohmann::json> facts;
    std::istringstream lines(out_.str());
    for (std::string line; std::getline(lines, line);) {
      facts.push_back(nlohmann::json::parse(line));
    }
    return facts;
  }

  test::TemporaryFolder folder_;
  CommandLine line_;
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
};

// What a server says that drains.
UpscaleScript Draining() {
  google::rpc::ErrorInfo info;
  info.set_reason("DRAINING");
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_nanos(1);
  retry.mutable_retry_delay()->set_seconds(4);
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  details.add_details()->PackFrom(retry);
  return {.status = {grpc::StatusCode::UNAVAILABLE, "the server is draining",
                     details.SerializeAsString()}};
}

TEST_F(UpscaleCommandTest, WritesThePicture) {
  EXPECT_EQ(Run(GoodScript({"the picture"})), ExitCode::kOk);

  EXPECT_EQ(folder_.Read("out.png"), "the picture");
  EXPECT_THAT(err_.str(), HasSubstr("64x32, seed 7"));
  EXPECT_THAT(err_.str(), HasSubstr("in.png: the prompt was cut"));
  EXPECT_THAT(err_.str(), Not(HasSubstr("1 done")));
  EXPECT_EQ(out_.str(), "");
}

TEST_F(UpscaleCommandTest, NumbersSeveralPictures) {
  line_.spec.set_image_count(2);

  EXPECT_EQ(Run(GoodScript({"one", "two"})), ExitCode::kOk);

  EXPECT_EQ(folder_.Read("out-1.png"), "one");
  EXPECT_EQ(folder_.Read("out-2.png"), "two");
}

TEST_F(UpscaleCommandTest, RefusesAnotherNumberOfPicturesThanItWanted) {
  EXPECT_EQ(Run(GoodScript({"one", "two"})), ExitCode::kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("the server sent 2 pictures, wanted 1"));
}

TEST_F(UpscaleCommandTest, UpscalesStandardInputToStandardOutputAndWritesNothingElseThere) {
  line_.inputs = {"-"};
  line_.output = "-";
  in_.str("piped");
  FakeUpscalerService service(GoodScript({"the picture"}));

  EXPECT_EQ(Run(service), ExitCode::kOk);

  EXPECT_EQ(out_.str(), "the picture");
  EXPECT_EQ(service.received().at(0).image, "piped");
}

TEST_F(UpscaleCommandTest, IsSilentWhenQuiet) {
  line_.quiet = true;

  EXPECT_EQ(Run(GoodScript({"the picture"})), ExitCode::kOk);

  EXPECT_EQ(err_.str() + out_.str(), "");
}

TEST_F(UpscaleCommandTest, TellsProgramsTheFacts) {
  line_.json = true;

  EXPECT_EQ(Run(GoodScript({"the picture"})), ExitCode::kOk);

  ASSERT_THAT(Facts(), SizeIs(1));
  const nlohmann::json facts = Facts()[0];
  EXPECT_EQ(facts["file"], line_.inputs[0]);
  EXPECT_EQ(facts["output"], line_.output);
  EXPECT_EQ(facts["status"], "done");
  EXPECT_EQ(facts["pictures"][0]["file"], line_.output);
  EXPECT_EQ(facts["pictures"][0]["format"], "png");
  EXPECT_EQ(facts["pictures"][0]["width"], 64);
  EXPECT_EQ(facts["pictures"][0]["bytes"], 11);
  EXPECT_EQ(facts["pictures"][0]["seed"], 7);
  EXPECT_EQ(facts["timings"]["total"], 1.5);
  EXPECT_EQ(facts["warnings"][0], "the prompt was cut");
}

TEST_F(UpscaleCommandTest, TellsProgramsWhatWentWrong) {
  line_.json = true;

  EXPECT_EQ(Run({.status = QueueFull(2s)}), ExitCode::kFailed);

  const nlohmann::json facts = Facts().at(0);
  EXPECT_EQ(facts["status"], "failed");
  EXPECT_EQ(facts["error"]["code"], "RESOURCE_EXHAUSTED");
  EXPECT_EQ(facts["error"]["reason"], "QUEUE_FULL");
  EXPECT_EQ(facts["error"]["message"], "the queue is full; try again in 2 s");
}

TEST_F(UpscaleCommandTest, EndsWith1WhenTheServerRefuses) {
  EXPECT_EQ(Run({.status = {grpc::StatusCode::INVALID_ARGUMENT, "image: no"}}), ExitCode::kFailed);
  EXPECT_EQ(err_.str(), "upscale: " + line_.inputs[0] + ": image: no\n");
}

TEST_F(UpscaleCommandTest, EndsWith1AndTheTimeToComeBackWhenTheServerDrains) {
  EXPECT_EQ(Run(Draining()), ExitCode::kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("the server is draining; try again in 4 s"));
}

TEST_F(UpscaleCommandTest, EndsWith2WhereFilesContradictOneAnother) {
  line_.inputs.push_back(line_.inputs[0]);
  line_.output.clear();

  EXPECT_EQ(Run(), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("would both become"));
}

TEST_F(UpscaleCommandTest, EndsWith3WhenAFileCannotBeRead) {
  line_.inputs = {folder_.Path("missing.png")};

  EXPECT_EQ(Run(), ExitCode::kFile);
  EXPECT_THAT(err_.str(), HasSubstr("cannot read " + line_.inputs[0]));
}

TEST_F(UpscaleCommandTest, EndsWith3BeforeTheWorkWhenTheFolderIsMissing) {
  line_.output = folder_.Path("missing/out.png");

  EXPECT_EQ(Run(), ExitCode::kFile);
}

TEST_F(UpscaleCommandTest, EndsWith4AtOnceWhenThereIsNoServer) {
  line_.server.target = "127.0.0.1:1";
  line_.retry_for.reset();

  EXPECT_EQ(Run(), ExitCode::kUnreachable);
  EXPECT_THAT(err_.str(), HasSubstr("cannot reach the server at 127.0.0.1:1"));
}

TEST_F(UpscaleCommandTest, TriesForAsLongAsToldOnceForAllPictures) {
  line_.inputs.clear();
  for (int i = 0; i < 20; ++i) line_.inputs.push_back(folder_.Write(fmt::format("{}.png", i), "?"));
  line_.output.clear();
  line_.server.target = "127.0.0.1:1";
  line_.retry_for = 5ms;
  line_.jobs = 1;
  line_.json = true;

  EXPECT_EQ(Run(), ExitCode::kUnreachable);

  // The first may fail for themselves; the last one is not tried at all.
  EXPECT_THAT(err_.str(), EndsWith("0 done, 20 failed\n"));
  EXPECT_THAT(Facts().at(19)["error"]["message"].get<std::string>(),
              HasSubstr("cannot reach the server at 127.0.0.1:1, silent for"));
}

TEST_F(UpscaleCommandTest, EndsWith4WhenTheLocalServerDies) {
  UseFolder();
  FakeUpscalerService service({.hold = true});
  const std::string port = service.target().substr(service.target().find(':') + 1);
  folder_.Write("upscaler-server", "#!/bin/sh\necho $$ > '" + folder_.Path("pid") +
                                       "'\necho '{\"message\":\"ready\",\"grpc_port\":" + port +
                                       "}' >&2\nexec sleep 1000\n");
  std::filesystem::permissions(folder_.Path("upscaler-server"), std::filesystem::perms::owner_all);
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", (folder_.path().string() + ":" + path).c_str(), 1);
  line_.local = true;
  line_.retry_for.reset();
  ExitCode code = ExitCode::kOk;

  std::jthread command([&] { code = Run(); });
  service.AwaitReceived(1);
  ::kill(std::stoi(folder_.Read("pid")), SIGKILL);
  command.join();

  ::setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(code, ExitCode::kUnreachable);
  EXPECT_THAT(err_.str(), HasSubstr("c.png: the local server has ended, by signal 9"));
  EXPECT_THAT(err_.str(), EndsWith("0 done, 3 failed\n"));
}

TEST_F(UpscaleCommandTest, EndsWith3WhereTheFactsCannotBePrinted) {
  UseFolder();
  line_.json = true;
  FakeUpscalerService service(GoodScript({"the picture"}));
  line_.server.target = service.target();
  std::ofstream full("/dev/full");

  EXPECT_EQ(RunUpscale(line_, {.in = in_, .out = full, .err = err_}), ExitCode::kFile);

  EXPECT_EQ(folder_.Read("out/sub/c-2x.png"), "the picture");
  EXPECT_THAT(err_.str(), HasSubstr("cannot write standard output: No space left on device\n"));
  EXPECT_THAT(err_.str(), EndsWith("3 done\n"));
}

TEST_F(UpscaleCommandTest, UpscalesAFolder) {
  UseFolder();
  line_.jobs = 3;
  FakeUpscalerService service(GoodScript({"the picture"}));

  EXPECT_EQ(Run(service), ExitCode::kOk);

  EXPECT_EQ(folder_.Read("out/a-2x.png"), "the picture");
  EXPECT_EQ(folder_.Read("out/b-2x.png"), "the picture");
  EXPECT_EQ(folder_.Read("out/sub/c-2x.png"), "the picture");
  EXPECT_THAT(service.received(), SizeIs(3));
  EXPECT_THAT(err_.str(), EndsWith("3 done\n"));
}

TEST_F(UpscaleCommandTest, SkipsWhatIsThereAndNotEmpty) {
  UseFolder();
  line_.skip_existing = true;
  line_.json = true;
  std::filesystem::create_directories(folder_.path() / "out");
  folder_.Write("out/a-2x.png", "from before");
  folder_.Write("out/b-2x.png", "");

  EXPECT_EQ(Run(GoodScript({"the picture"})), ExitCode::kOk);

  EXPECT_EQ(folder_.Read("out/a-2x.png"), "from before");
  EXPECT_EQ(folder_.Read("out/b-2x.png"), "the picture");
  EXPECT_THAT(err_.str(), EndsWith("2 done, 1 skipped\n"));
  EXPECT_EQ(Facts().at(0)["status"], "skipped");
}

TEST_F(UpscaleCommandTest, AsksNoServerWhereNothingIsLeftToDo) {
  line_.skip_existing = true;
  folder_.Write("out.png", "from before");

  EXPECT_EQ(Run(), ExitCode::kOk);
}

TEST_F(UpscaleCommandTest, GoesOnAfterABadFile) {
  UseFolder();
  line_.inputs.push_back(folder_.Path("missing.png"));
  FakeUpscalerService service(GoodScript({"the picture"}));
  service.set_first({{.status = {grpc::StatusCode::INVALID_ARGUMENT, "image: no"}}});

  EXPECT_EQ(Run(service), ExitCode::kFailed);

  EXPECT_THAT(err_.str(), HasSubstr("a.png: image: no\n"));
  EXPECT_THAT(err_.str(), EndsWith("2 done, 2 failed\n"));
  EXPECT_TRUE(std::filesystem::exists(folder_.Path("out/sub/c-2x.png")));
}

TEST_F(UpscaleCommandTest, StopsAfterABadFileIfToldSo) {
  UseFolder();
  line_.fail_fast = true;
  FakeUpscalerService service(GoodScript({"the picture"}));
  service.set_first(
      {GoodScript({"the picture"}), {.status = {grpc::StatusCode::INVALID_ARGUMENT, "image: no"}}});

  EXPECT_EQ(Run(service), ExitCode::kFailed);

  EXPECT_THAT(service.received(), SizeIs(2));
  EXPECT_THAT(err_.str(), EndsWith("1 done, 1 failed, 1 not done\n"));
}

TEST_F(UpscaleCommandTest, EndsWith3WhereOnlyFilesWereAtFault) {
  UseFolder();
  line_.inputs.push_back(folder_.Path("missing.png"));

  EXPECT_EQ(Run(GoodScript({"the picture"})), ExitCode::kFile);
}

TEST_F(UpscaleCommandTest, ComesBackToAFullQueue) {
  UseFolder();
  line_.jobs = 2;
  line_.retry_for.reset();
  FakeUpscalerService service(GoodScript({"the picture"}));
  service.set_first({{.status = QueueFull(1ms)}, {.status = QueueFull(1ms)}});

  EXPECT_EQ(Run(service), ExitCode::kOk);

  EXPECT_THAT(service.received(), SizeIs(5));
  EXPECT_THAT(err_.str(),
              AllOf(HasSubstr("the queue is full; trying again in 1 s"), EndsWith("3 done\n")));
}

TEST_F(UpscaleCommandTest, SendsTheKey) {
  line_.api_key = "key-1";
  FakeUpscalerService service(GoodScript({"the picture"}));

  EXPECT_EQ(Run(service), ExitCode::kOk);

  EXPECT_EQ(service.received().at(0).authorization, "Bearer key-1");
}

TEST_F(UpscaleCommandTest, SendsNumpysFilesAsLatents) {
  UseLatents();
  FakeUpscalerService service(GoodScript({"the picture"}));

  EXPECT_EQ(Run(service), ExitCode::kOk);

  const auto received = service.received();
  EXPECT_EQ(received.at(0).image, std::string(48, 'n'));
  EXPECT_EQ(received[0].start.latents().family(), v1::LATENTS_FAMILY_STABLE_DIFFUSION_1);
  EXPECT_EQ(received[0].start.latents().width(), 3U);
}

TEST_F(UpscaleCommandTest, WritesLatentsForNumpy) {
  UpscaleScript script = GoodScript({std::string(32, 'n')});
  for (auto& event : script.events) {
    if (!event.has_image_header()) continue;
    auto& latents = *event.mutable_image_header()->mutable_image()->mutable_latents();
    latents.set_data_type(v1::TENSOR_DATA_TYPE_FLOAT32);
    latents.set_height(1);
    latents.set_width(2);
  }
  line_.spec.set_output_type(v1::OUTPUT_TYPE_LATENTS);
  line_.output.clear();
  line_.json = true;

  EXPECT_EQ(Run(script), ExitCode::kOk);

  EXPECT_THAT(folder_.Read("in-2x.npy"),
              AllOf(HasSubstr("'shape': (4, 1, 2)"), EndsWith(std::string(32, 'n'))));
  EXPECT_EQ(Facts().at(0)["pictures"][0]["bytes"], folder_.Read("in-2x.npy").size());
}

class DryRunTest : public UpscaleCommandTest {
 protected:
  DryRunTest() {
    line_.dry_run = true;
    line_.inputs = {folder_.Write("in.gif", std::string("GIF89a\x2c\x01\xc8\0", 10))};
    service_.set_estimate(
        [](const v1::EstimateUpscaleRequest& request, v1::EstimateUpscaleResponse& response) {
          const v1::ImageSize& input = request.image_size();
          const v1::LatentsInfo& latents = request.latents();
          // Pixels are doubled, and latents are an eighth of their picture.
          response.mutable_output_size()->set_width(2 * input.width() + 16 * latents.width());
          response.mutable_output_size()->set_height(2 * input.height() + 16 * latents.height());
          response.set_tile_count(1);
          response.set_device_memory_bytes(3 << 20);
          response.mutable_work()->set_seconds(12);
          return grpc::Status::OK;
        });
  }

  FakeUpscalerService service_{UpscaleScript{}};
};

TEST_F(DryRunTest, TellsWhatAPictureWouldTakeAndWritesNothing) {
  EXPECT_EQ(Run(service_), ExitCode::kOk);

  EXPECT_THAT(out_.str(), HasSubstr("300x200 -> 600x400"));
  EXPECT_THAT(out_.str(), HasSubstr("3 MiB of device memory, 12.0 s of work\n"));
  EXPECT_THAT(service_.received(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(line_.output));
}

TEST_F(DryRunTest, TellsPrograms) {
  line_.json = true;

  EXPECT_EQ(Run(service_), ExitCode::kOk);

  const nlohmann::json facts = Facts().at(0);
  EXPECT_EQ(facts["status"], "estimated");
  EXPECT_EQ(facts["width"], 300);
  EXPECT_EQ(facts["output_height"], 400);
  EXPECT_EQ(facts["work_seconds"], 12.0);
  EXPECT_FALSE(facts.contains("eta_seconds"));
}

TEST_F(DryRunTest, DoesNotTakeTheSizeOfLatentsForThatOfTheirPicture) {
  UseLatents();

  EXPECT_EQ(Run(service_), ExitCode::kOk);
  line_.json = true;
  EXPECT_EQ(Run(service_), ExitCode::kOk);

  EXPECT_THAT(out_.str(), HasSubstr("in.npy: latents -> 48x32"));
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("\"output_width\":48"), Not(HasSubstr("\"width\""))));
}

TEST_F(DryRunTest, NamesAFileThatIsNoPicture) {
  line_.inputs = {folder_.Write("in.txt", "a text")};

  EXPECT_EQ(Run(service_), ExitCode::kFile);
  EXPECT_THAT(err_.str(), HasSubstr("cannot tell the size of " + line_.inputs[0]));
}

class InterruptTest : public UpscaleCommandTest {
 protected:
  // Runs line_ on a thread of its own, and interrupts it once `count` uploads came in.
  ExitCode RunAndInterrupt(FakeUpscalerService& service, std::size_t count) {
    line_.server.target = service.target();
    std::stop_source stop;
    ExitCode code = ExitCode::kOk;
    std::jthread command(
        [&] { code = RunUpscale(line_, {.in = in_, .out = out_, .err = err_}, stop.get_token()); });
    service.AwaitReceived(count);
    stop.request_stop();
    command.join();
    return code;
  }
};

TEST_F(InterruptTest, CancelsCallsAndLeavesNoFiles) {
  UseFolder();
  line_.jobs = 2;
  FakeUpscalerService service({.hold = true});

  EXPECT_EQ(RunAndInterrupt(service, 2), ExitCode::kInterrupted);

  service.AwaitCancelled(2);
  EXPECT_THAT(err_.str(), EndsWith("0 done, 3 not done\n"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_.Path("out")));
}

TEST_F(InterruptTest, DoesNotWaitForTheNextTry) {
  line_.retry_for.reset();
  FakeUpscalerService service({.status = QueueFull(1min)});

  EXPECT_EQ(RunAndInterrupt(service, 1), ExitCode::kInterrupted);
}

}  // namespace
}  // namespace upscaler
