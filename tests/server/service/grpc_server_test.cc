// The door, with a service behind it that answers whatever it is sent.

#include "server/service/grpc_server.h"

#include <chrono>
#include <deque>
#include <filesystem>
#include <future>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <gtest/gtest.h>

#include "proto/upscaler/v1/upscaler.grpc.pb.h"
#include "tests/support/certificates.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"

namespace upscaler {
namespace {

using namespace std::chrono_literals;
using test::Identity;
using test::IsOk;
using test::StatusIs;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class AnsweringService final : public v1::UpscalerService::CallbackService {
 public:
  grpc::ServerUnaryReactor* Upscale(grpc::CallbackServerContext* call,
                                    const v1::UpscaleRequest* /*request*/,
                                    v1::UpscaleResponse* /*response*/) override {
    grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

// What health answers.
constexpr int kServing = 1;
constexpr int kNotServing = 2;

class GrpcServerTest : public ::testing::Test {
 protected:
  void Start(const TlsFiles& tls = {}, std::chrono::seconds connection_age = {}) {
    auto server = GrpcServer::Start({.address = "127.0.0.1:0",
                                     .tls = tls,
                                     .tls_refresh = std::chrono::seconds(1),
                                     .connection_age = connection_age},
                                    {&service_});
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
  }

  // A connection of its own.
  std::shared_ptr<grpc::Channel> Connect(
      const std::shared_ptr<grpc::ChannelCredentials>& credentials) const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server_->port()), credentials,
                                     arguments);
  }

  grpc::Status Call(const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                    const v1::UpscaleRequest& request = {},
                    grpc_compression_algorithm compression = GRPC_COMPRESS_NONE) {
    const auto stub = v1::UpscalerService::NewStub(Connect(credentials));
    grpc::ClientContext call;
    call.set_compression_algorithm(compression);
    v1::UpscaleResponse response;
    return stub->Upscale(&call, request, &response);
  }

  // What health says for `service`: nothing where it does not
  // answer. By bytes, since Debian has no generated code for it.
  std::optional<int> Health(const std::string& service) {
    grpc::GenericStub stub(Connect(grpc::InsecureChannelCredentials()));
    grpc::Slice request(fmt::format("\x0a{}{}", static_cast<char>(service.size()), service));
    const grpc::ByteBuffer message(&request, 1);
    grpc::ClientContext call;
    grpc::ByteBuffer answer;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&call, "/grpc.health.v1.Health/Check", {}, &message, &answer,
                   [&done](grpc::Status status) { done.set_value(std::move(status)); });
    if (!done.get_future().get().ok()) return std::nullopt;
    grpc::Slice bytes;
    if (!answer.DumpToSingleSlice(&bytes).ok() || bytes.size() != 2) return std::nullopt;
    return *std::prev(bytes.end());
  }

  // Of a client that trusts whom `authority` has issued, and is itself `self`, if anybody.
  static std::shared_ptr<grpc::ChannelCredentials> Trusting(const Identity& authority,
                                                            const Identity* self = nullptr) {
    return grpc::SslCredentials(
        {.pem_root_certs = authority.certificate(),
         .pem_private_key = self == nullptr ? std::string() : self->private_key(),
         .pem_cert_chain = self == nullptr ? std::string() : self->certificate()});
  }

  // Puts an identity where the server finds it, each file at once.
  TlsFiles Install(const Identity& identity) const {
    folder_.Write("new.key", identity.private_key());
    folder_.Write("new.pem", identity.certificate());
    std::filesystem::rename(folder_.Path("new.key"), folder_.Path("server.key"));
    std::filesystem::rename(folder_.Path("new.pem"), folder_.Path("server.pem"));
    return {.certificate = folder_.Path("server.pem"), .private_key = folder_.Path("server.key")};
  }

  const test::TemporaryFolder folder_;
  const Identity authority_{"authority"};
  AnsweringService service_;
  std::unique_ptr<GrpcServer> server_;
};

TEST_F(GrpcServerTest, RefusesAddressesThatAreNone) {
  const std::string path = folder_.Path("socket");
  for (const std::string& address :
       {std::string("127.0.0.1"), std::string("127.0.0.1:99999"), std::string("127.0.0.1:x"),
        "unix:" + path, "unix:" + path + ":5", std::string("unix:5"),
        std::string("unix-abstract:5")}) {
    EXPECT_THAT(GrpcServer::Start({.address = address}, {&service_}),
                StatusIs(absl::StatusCode::kFailedPrecondition))
        << address;
  }
}

TEST_F(GrpcServerTest, ServesClientsWithoutTlsWhereThereIsNone) {
  Start();

  EXPECT_TRUE(Call(grpc::InsecureChannelCredentials()).ok());
}

TEST_F(GrpcServerTest, SaysThatItServesWhenItIsToldTo) {
  Start();
  EXPECT_EQ(Health(""), kNotServing);
  EXPECT_EQ(Health("upscaler.v1.UpscalerService"), kNotServing);
  EXPECT_EQ(Health("liveness"), kServing);

  server_->SetServing(true);
  server_->SetLive(false);

  EXPECT_EQ(Health(""), kServing);
  EXPECT_EQ(Health("upscaler.v1.UpscalerService"), kServing);
  EXPECT_EQ(Health("liveness"), kNotServing);
}

TEST_F(GrpcServerTest, ServesThoughReflectionIsFlooded) {
  Start();
  grpc::GenericStub stub(Connect(grpc::InsecureChannelCredentials()));
  grpc::CompletionQueue events;
  std::deque<grpc::ClientContext> calls(100);
  std::vector<std::unique_ptr<grpc::GenericClientAsyncReaderWriter>> streams;
  for (grpc::ClientContext& call : calls) {
    streams.push_back(stub.PrepareCall(
        &call, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &events));
    streams.back()->StartCall(nullptr);
    void* tag = nullptr;
    bool ok = false;
    events.Next(&tag, &ok);
  }

  EXPECT_EQ(Health("liveness"), kServing);
  EXPECT_TRUE(Call(grpc::InsecureChannelCredentials()).ok());

  for (grpc::ClientContext& call : calls) call.TryCancel();
  events.Shutdown();
}

TEST_F(GrpcServerTest, ServesClientsInThisProcess) {
  Start(Install(authority_.Issue("server")));
  const auto stub = v1::UpscalerService::NewStub(server_->InProcessChannel());
  grpc::ClientContext call;
  v1::UpscaleResponse response;

  EXPECT_TRUE(stub->Upscale(&call, {}, &response).ok());
}

TEST_F(GrpcServerTest, ServesTlsClientsAndNoOthersWhereThereIsTls) {
  Start(Install(authority_.Issue("server")));

  const grpc::Status served = Call(Trusting(authority_));
  EXPECT_TRUE(served.ok()) << served.error_message();
  EXPECT_EQ(Call(grpc::InsecureChannelCredentials()).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Call(Trusting(Identity("other"))).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GrpcServerTest, AsksClientsForACertificateWhereItIsToldWhoVouchesForThem) {
  const Identity clients("clients");
  const Identity known = clients.Issue("client");
  const Identity unknown = Identity("other").Issue("client");
  TlsFiles files = Install(authority_.Issue("server"));
  files.client_ca = folder_.Write("clients.pem", clients.certificate());
  Start(files);

  const grpc::Status served = Call(Trusting(authority_, &known));
  EXPECT_TRUE(served.ok()) << served.error_message();
  EXPECT_EQ(Call(Trusting(authority_)).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Call(Trusting(authority_, &unknown)).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GrpcServerTest, ShowsNewConnectionsACertificateThatWasReplaced) {
  const Identity next("next");
  Start(Install(authority_.Issue("server")));
  ASSERT_TRUE(Call(Trusting(authority_)).ok());
  ASSERT_FALSE(Call(Trusting(next)).ok());

  Install(next.Issue("server"));

  // Until gRPC has looked at the files again.
  while (!Call(Trusting(next)).ok()) continue;
  EXPECT_FALSE(Call(Trusting(authority_)).ok());
}

TEST_F(GrpcServerTest, DoesNotStartWithFilesThatAreWrong) {
  TlsFiles files = Install(authority_.Issue("server"));
  files.private_key = folder_.Path("none");

  const auto server = GrpcServer::Start({.address = "127.0.0.1:0", .tls = files}, {&service_});

  ASSERT_THAT(server, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(server.status().message()), StartsWith("--tls-key"));
}

TEST_F(GrpcServerTest, AnswersUnimplementedToClientsThatCompress) {
  Start();
  v1::UpscaleRequest request;
  request.set_image(std::string(1 << 20, 'a'));

  for (const auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    const grpc::Status refusal = Call(grpc::InsecureChannelCredentials(), request, algorithm);
    EXPECT_EQ(refusal.error_code(), grpc::StatusCode::UNIMPLEMENTED) << refusal.error_message();
    EXPECT_THAT(refusal.error_message(), HasSubstr("ompression"));
  }
  EXPECT_TRUE(Call(grpc::InsecureChannelCredentials(), request).ok());
}

TEST_F(GrpcServerTest, TakesMessagesThatHoldAPictureAndNoLarger) {
  Start();
  v1::UpscaleRequest request;
  request.set_image(std::string(60 << 20, 'a'));
  EXPECT_TRUE(Call(grpc::InsecureChannelCredentials(), request).ok());

  request.set_image(std::string(65 << 20, 'a'));
  EXPECT_EQ(Call(grpc::InsecureChannelCredentials(), request).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(GrpcServerTest, RefusesMoreMetadataThanAnybodyNeeds) {
  Start();
  const auto stub = v1::UpscalerService::NewStub(grpc::CreateChannel(
      "127.0.0.1:" + std::to_string(server_->port()), grpc::InsecureChannelCredentials()));
  grpc::ClientContext call;
  call.AddMetadata("x-large", std::string(17 << 10, 'a'));
  v1::UpscaleResponse response;

  EXPECT_EQ(stub->Upscale(&call, {}, &response).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(GrpcServerTest, LetsGoOfConnectionsThatAreOldEnough) {
  Start({}, /*connection_age=*/1s);
  const auto channel = Connect(grpc::InsecureChannelCredentials());
  const auto in_time = std::chrono::system_clock::now() + 30s;
  ASSERT_TRUE(channel->WaitForConnected(in_time));

  EXPECT_TRUE(channel->WaitForStateChange(GRPC_CHANNEL_READY, in_time));
}

}  // namespace
}  // namespace upscaler
