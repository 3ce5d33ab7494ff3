// Models change under load; administrators change them.
#include <fstream>
#include <thread>

#include "core/base/file.h"
#include "core/base/status.h"
#include "gmock/gmock.h"
#include "server/rpc/admin_service.h"
#include "tests/server/served.h"
#include "tests/support/wait_until.h"
#include "unlasting/v1/admin_service.grpc.pb.h"

namespace unlasting::server {
namespace {

using test::Answer;
using test::Served;
using test::SomeRequest;
using test::WriteBundleVersion;
using testing::HasSubstr;

class AdminTest : public testing::Test {
 protected:
  AdminTest() {
    EXPECT_TRUE(WriteFileAtomically(folder_.At("tokens"),
                                    absl::StrCat("op admin ", Sha256("op"), "\nuser predict ",
                                                 Sha256("user"), "\n"))
                    .ok());
    WriteBundleVersion(folder_.At("bundles/one"), "1");
    ServerConfig config = test::TestConfig();
    config.clear_bundles();
    config.add_bundles()->set_directory(folder_.At("bundles/one"));
    config.set_auth_tokens(folder_.At("tokens"));
    config.mutable_admin()->set_enabled(true);
    config.mutable_admin()->set_bundle_root(folder_.At("bundles"));
    config.set_watch_seconds(0);
    served_ = std::make_unique<Served>(config);
    served_->set_token("user");
    admin_ = v1::AdminService::NewStub(served_->channel());
  }

  template <typename Request, typename Response>
  Answer Ask(grpc::Status (v1::AdminService::StubInterface::*method)(grpc::ClientContext*,
                                                                     const Request&, Response*),
             const Request& request, Response* response, const std::string& token = "op") {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer " + token);
    Answer answer;
    v1::AdminService::StubInterface& stub = *admin_;
    answer.status = (stub.*method)(&context, request, response);
    return answer;
  }

  Answer Load(const std::string& directory, const std::string& token = "op") {
    v1::LoadModelRequest request;
    request.set_directory(directory);
    v1::LoadModelResponse response;
    const Answer answer =
        Ask(&v1::AdminService::StubInterface::LoadModel, request, &response, token);
    if (answer.status.ok()) {
      EXPECT_EQ(response.model().name(), "tiny");
    }
    return answer;
  }

  Answer Reload(const std::string& name) {
    v1::ReloadModelRequest request;
    request.set_name(name);
    v1::ReloadModelResponse response;
    return Ask(&v1::AdminService::StubInterface::ReloadModel, request, &response);
  }

  Answer Unload(const std::string& name, const std::string& version) {
    v1::UnloadModelRequest request;
    request.set_name(name);
    request.set_version(version);
    v1::UnloadModelResponse response;
    return Ask(&v1::AdminService::StubInterface::UnloadModel, request, &response);
  }

  test::TempFolder folder_;
  std::unique_ptr<Served> served_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
};

TEST_F(AdminTest, LoadsReloadsAndUnloadsVersions) {
  WriteBundleVersion(folder_.At("bundles/two"), "2", 2);
  ASSERT_TRUE(Load(folder_.At("bundles/two")).status.ok());
  EXPECT_EQ(served_->Predict(SomeRequest()).header.model_version(), "2");
  v1::PredictRequest request = SomeRequest();
  request.set_model("tiny");
  request.set_model_version("1");
  EXPECT_EQ(served_->Predict(request).header.model_version(), "1");
  request.set_model_version("3");
  EXPECT_EQ(served_->Predict(request).reason(), "UNKNOWN_VERSION");

  EXPECT_EQ(Load(folder_.At("bundles/two")).reason(), "MODEL_EXISTS");
  EXPECT_EQ(Reload("tiny").reason(), "VERSION_REQUIRED");
  EXPECT_TRUE(Unload("tiny", "1").status.ok());
  EXPECT_TRUE(Reload("tiny").status.ok());
  EXPECT_EQ(Reload("other").reason(), "UNKNOWN_MODEL");
  EXPECT_TRUE(Unload("tiny", "2").status.ok());
  EXPECT_EQ(served_->Predict(SomeRequest()).reason(), "UNKNOWN_MODEL");
}

TEST_F(AdminTest, OnlyAdministratorsMay) {
  EXPECT_EQ(Load(folder_.At("bundles/one"), "user").reason(), "ROLE_REQUIRED");
  EXPECT_EQ(Load(folder_.At("bundles/one"), "nobody").reason(), "TOKEN_UNKNOWN");
  served_->set_token("op");
  EXPECT_EQ(served_->Predict(SomeRequest()).reason(), "ROLE_REQUIRED");
}

TEST_F(AdminTest, FoldersElsewhereAreForbiddenWhateverIsThere) {
  WriteBundleVersion(folder_.At("outside"), "5");
  std::filesystem::create_symlink(folder_.At("outside"), folder_.At("bundles/sneaky"));
  for (const std::string& directory :
       {folder_.At("outside"), folder_.At("bundles/../outside"), folder_.At("bundles/sneaky"),
        folder_.At("bundles-too"), std::string("/etc"), std::string()}) {
    EXPECT_EQ(Load(directory).reason(), "BUNDLE_FORBIDDEN") << directory;
  }
  EXPECT_EQ(Load(folder_.At("bundles/none")).status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_FALSE(CheckBelow("", "/anything").ok());
}

TEST_F(AdminTest, ADamagedBundleIsRefusedAndTheOldOneServes) {
  std::ofstream(folder_.At("bundles/one") + "/mask.pt", std::ios::app) << "x";
  const Answer answer = Reload("tiny");
  EXPECT_EQ(answer.reason(), "DAMAGED_BUNDLE");
  EXPECT_TRUE(served_->Predict(SomeRequest()).status.ok());
}

TEST(AdminOff, TheServiceIsNotThereByDefault) {
  Served served;
  const auto admin = v1::AdminService::NewStub(served.channel());
  grpc::ClientContext context;
  v1::UnloadModelResponse response;
  EXPECT_EQ(admin->UnloadModel(&context, {}, &response).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST(HotReload, CallsNeverFailWhileTheLinkMoves) {
  const test::TempFolder folder;
  const auto point_to = [&folder](const std::string& target) {
    std::filesystem::create_symlink(folder.At(target), folder.At("next"));
    std::filesystem::rename(folder.At("next"), folder.At("current"));
  };
  for (const char* version : {"1", "2", "3"}) {
    WriteBundleVersion(folder.At(version), version, static_cast<uint64_t>(version[0]));
  }
  WriteBundleVersion(folder.At("torn"), "4");
  std::filesystem::resize_file(folder.At("torn") + "/source.pt", 100);
  point_to("1");
  ServerConfig config = test::TestConfig();
  config.clear_bundles();
  config.add_bundles()->set_directory(folder.At("current"));
  config.set_watch_seconds(0.01);
  config.set_max_batch(8);
  Served served(config);

  std::atomic<bool> done{false};
  std::atomic<int> answered{0};
  std::vector<std::thread> callers;
  for (uint64_t k = 0; k < 3; ++k) {
    callers.emplace_back([&, k] {
      while (!done) {
        const Answer answer = served.Predict(SomeRequest(5, k));
        EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
        EXPECT_EQ(answer.finished.rows(), 5);
        ++answered;
      }
    });
  }
  const auto wait_for = [&served](const std::string& version) {
    EXPECT_TRUE(test::WaitUntil([&] {
      return served.Predict(SomeRequest()).header.model_version() == version;
    })) << version;
  };
  for (const char* version : {"2", "3"}) {
    point_to(version);
    wait_for(version);
  }
  point_to("torn");
  const std::string failed = "unlasting_model_reloads_total{model=\"tiny\",result=\"failed\"} 1";
  EXPECT_TRUE(
      test::WaitUntil([&] { return served.Get("/metrics").find(failed) != std::string::npos; }));
  EXPECT_EQ(served.Predict(SomeRequest()).header.model_version(), "3");
  point_to("1");
  wait_for("1");
  done = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_GT(answered, 0);
}

}  // namespace
}  // namespace unlasting::server
