#include "server/rpc/reflection_service.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "server/rpc/wire.h"

namespace unlasting::server {
namespace {

namespace v1reflection = grpc::reflection::v1;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using Request = v1reflection::ServerReflectionRequest;
using Response = v1reflection::ServerReflectionResponse;

void SetNotFound(const std::string& what, Response* response) {
  response->mutable_error_response()->set_error_code(grpc::StatusCode::NOT_FOUND);
  response->mutable_error_response()->set_error_message(what);
}

// The file and all that it imports, each once.
void AddFile(const FileDescriptor* file, std::set<const FileDescriptor*>* added,
             v1reflection::FileDescriptorResponse* response) {
  if (!added->insert(file).second) return;
  google::protobuf::FileDescriptorProto proto;
  file->CopyTo(&proto);
  proto.SerializeToString(response->add_file_descriptor_proto());
  for (int k = 0; k < file->dependency_count(); ++k) {
    AddFile(file->dependency(k), added, response);
  }
}

void AddFileOr(const FileDescriptor* file, const std::string& what, Response* response) {
  if (file == nullptr) {
    SetNotFound(absl::StrCat(what, ": is not known to this server"), response);
    return;
  }
  std::set<const FileDescriptor*> added;
  AddFile(file, &added, response->mutable_file_descriptor_response());
}

const FileDescriptor* FileOfExtension(const v1reflection::ExtensionRequest& request) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  const auto* type = pool.FindMessageTypeByName(request.containing_type());
  const FieldDescriptor* extension =
      type == nullptr ? nullptr : pool.FindExtensionByNumber(type, request.extension_number());
  return extension == nullptr ? nullptr : extension->file();
}

void AddExtensionNumbers(const std::string& name, Response* response) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  const auto* type = pool.FindMessageTypeByName(name);
  if (type == nullptr) {
    SetNotFound(absl::StrCat(name, ": is not known to this server"), response);
    return;
  }
  std::vector<const FieldDescriptor*> extensions;
  pool.FindAllExtensions(type, &extensions);
  response->mutable_all_extension_numbers_response()->set_base_type_name(name);
  for (const FieldDescriptor* extension : extensions) {
    response->mutable_all_extension_numbers_response()->add_extension_number(extension->number());
  }
}

Response Respond(const Request& request, const std::vector<std::string>& services) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  Response response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case Request::kFileByFilename:
      AddFileOr(pool.FindFileByName(request.file_by_filename()), request.file_by_filename(),
                &response);
      break;
    case Request::kFileContainingSymbol:
      AddFileOr(pool.FindFileContainingSymbol(request.file_containing_symbol()),
                request.file_containing_symbol(), &response);
      break;
    case Request::kFileContainingExtension:
      AddFileOr(FileOfExtension(request.file_containing_extension()),
                request.file_containing_extension().containing_type(), &response);
      break;
    case Request::kAllExtensionNumbersOfType:
      AddExtensionNumbers(request.all_extension_numbers_of_type(), &response);
      break;
    case Request::kListServices:
      for (const std::string& name : services) {
        response.mutable_list_services_response()->add_service()->set_name(name);
      }
      break;
    case Request::MESSAGE_REQUEST_NOT_SET:
      response.mutable_error_response()->set_error_code(grpc::StatusCode::INVALID_ARGUMENT);
      response.mutable_error_response()->set_error_message(
          "message_request: found none, expected a file, a symbol or list_services");
  }
  return response;
}

// What is asked fits easily; a longer message ends the stream.
constexpr size_t kMaxRequestBytes = 4096;

// One stream: reads a request, writes its response, reads the next. Its own, until OnDone.
class Stream : public RawReactor {
 public:
  Stream(const std::vector<std::string>& services, GuestStreams::Place place)
      : services_(services), place_(std::move(place)) {
    if (place_ == nullptr) {
      Finish(GuestStreams::Full());
    } else {
      StartRead(&request_);
    }
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      Finish(grpc::Status::OK);
      return;
    }
    Request request;
    if (!ParseGuestMessage(request_, kMaxRequestBytes, &request)) {
      Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT,
                          "expected a ServerReflectionRequest of at most 4096 bytes"));
      return;
    }
    response_ = SerializeResponse(Respond(request, services_));
    StartWrite(&response_);
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      request_.Clear();
      StartRead(&request_);
    } else {
      Finish(grpc::Status::OK);
    }
  }
  void OnDone() override { delete this; }

 private:
  const std::vector<std::string>& services_;
  const GuestStreams::Place place_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
};

}  // namespace

ReflectionService::ReflectionService(std::vector<std::string> services, GuestStreams* guests)
    : services_(std::move(services)) {
  // The messages of the two versions are the same on the wire.
  for (const char* version : {"v1", "v1alpha"}) {
    Offer(absl::StrCat("grpc.reflection.", version, ".ServerReflection"), "ServerReflectionInfo",
          [this, guests](grpc::CallbackServerContext*) {
            return new Stream(services_, guests->Enter());
          });
  }
}

}  // namespace unlasting::server
