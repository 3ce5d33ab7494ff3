// Boost.Beast rather than civetweb: civetweb's threads have a fixed stack of 100 KiB, which is less
// than the thread-local storage of a process that has opened LibTorch and OpenBLAS, so that none of
// them can start.
#include "server/admin_http.h"

#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/beast/core.hpp"
#include "boost/beast/http.hpp"
#include "server/base/out_of_memory.h"

namespace unlasting::server {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::asio::ip::tcp;

constexpr std::chrono::seconds kPatience(10);
constexpr int kMaxHeaderBytes = 8192;
constexpr char kPlainText[] = "text/plain; charset=utf-8";

using Response = http::response<http::string_body>;

Response MakeResponse(http::status status, const char* type, std::string body) {
  Response response(status, 11);
  response.set(http::field::content_type, type);
  response.body() = std::move(body);
  response.keep_alive(false);
  response.prepare_payload();
  return response;
}

Response PageFor(const AdminPages& pages, http::verb method, const std::string& target) {
  if (method != http::verb::get && method != http::verb::head) {
    Response response =
        MakeResponse(http::status::method_not_allowed, kPlainText, "expected GET or HEAD\n");
    response.set(http::field::allow, "GET, HEAD");
    return response;
  }
  const std::string path = target.substr(0, target.find('?'));
  if (path == "/healthz") {
    return pages.alive()
               ? MakeResponse(http::status::ok, kPlainText, "alive\n")
               : MakeResponse(http::status::service_unavailable, kPlainText, "not alive\n");
  }
  if (path == "/readyz") {
    return pages.ready()
               ? MakeResponse(http::status::ok, kPlainText, "ready\n")
               : MakeResponse(http::status::service_unavailable, kPlainText, "not ready\n");
  }
  if (path == "/metrics") {
    return MakeResponse(http::status::ok, "text/plain; version=0.0.4; charset=utf-8",
                        pages.metrics());
  }
  if (path == "/version") {
    return MakeResponse(http::status::ok, "application/json", pages.version);
  }
  return MakeResponse(http::status::not_found, kPlainText,
                      "expected /metrics, /healthz, /readyz or /version\n");
}

// One request and its response. It lives in the handlers that wait for it.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const AdminPages* pages) : stream_(std::move(socket)), pages_(pages) {
    parser_.header_limit(kMaxHeaderBytes);
    parser_.body_limit(0);
  }

  void Run() {
    stream_.expires_after(kPatience);
    http::async_read(stream_, buffer_, parser_,
                     [self = shared_from_this()](beast::error_code error, size_t) {
                       if (!error) self->Respond();
                     });
  }

 private:
  void Respond() {
    const auto& request = parser_.get();
    // A page that finds no memory must not end the process.
    const absl::Status made = WithinMemory<absl::Status>([this, &request] {
      response_ = PageFor(*pages_, request.method(), std::string(request.target()));
      return absl::OkStatus();
    });
    if (!made.ok()) {
      response_ = MakeResponse(http::status::service_unavailable, kPlainText, "out of memory\n");
    }
    // The headers say how long the body would be.
    if (request.method() == http::verb::head) response_.body().clear();
    stream_.expires_after(kPatience);
    http::async_write(stream_, response_, [self = shared_from_this()](beast::error_code, size_t) {
      beast::error_code ignored;
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    });
  }

  beast::tcp_stream stream_;
  const AdminPages* const pages_;
  beast::flat_buffer buffer_;
  http::request_parser<http::empty_body> parser_;
  Response response_;
};

absl::StatusOr<tcp::endpoint> ParseEndpoint(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = -1;
  if (colon != std::string::npos && absl::SimpleAtoi(address.substr(colon + 1), &port) &&
      port >= 0 && port <= 65535) {
    absl::string_view host = absl::string_view(address).substr(0, colon);
    if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
    beast::error_code error;
    const auto ip = boost::asio::ip::make_address(
        host == "localhost" ? std::string("127.0.0.1") : std::string(host), error);
    if (!error) return tcp::endpoint(ip, static_cast<uint16_t>(port));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--admin-listen: found '", address,
                   "', expected ADDRESS:PORT with a numeric address or localhost"));
}

}  // namespace

struct AdminHttp::State {
  explicit State(AdminPages pages_in) : pages(std::move(pages_in)), acceptor(context) {}

  void Accept() {
    acceptor.async_accept([this](beast::error_code error, tcp::socket socket) {
      if (error == boost::asio::error::operation_aborted) return;
      if (!error) std::make_shared<Session>(std::move(socket), &pages)->Run();
      Accept();
    });
  }

  const AdminPages pages;
  boost::asio::io_context context{1};
  tcp::acceptor acceptor;
  std::thread thread;
};

absl::StatusOr<std::unique_ptr<AdminHttp>> AdminHttp::Start(const std::string& address,
                                                            AdminPages pages) {
  const auto endpoint = ParseEndpoint(address);
  if (!endpoint.ok()) return endpoint.status();
  auto state = std::make_unique<State>(std::move(pages));
  beast::error_code error;
  state->acceptor.open(endpoint->protocol(), error);
  // Lets a restarted server bind its port at once. It does not let two servers share the port.
  if (!error) state->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) state->acceptor.bind(*endpoint, error);
  if (!error) state->acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("--admin-listen: cannot listen on ", address, ": ", error.message()));
  }
  state->Accept();
  state->thread = std::thread([context = &state->context] { context->run(); });
  return std::unique_ptr<AdminHttp>(new AdminHttp(std::move(state)));
}

AdminHttp::AdminHttp(std::unique_ptr<State> state) : state_(std::move(state)) {}

AdminHttp::~AdminHttp() {
  state_->context.stop();
  state_->thread.join();
}

int AdminHttp::port() const {
  beast::error_code error;
  return state_->acceptor.local_endpoint(error).port();
}

}  // namespace unlasting::server
