// SPDX-License-Identifier: MIT
#include "stream/server.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/method_handler.h>
#include <grpcpp/support/sync_stream.h>

#include "stream/credentials.hpp"
#include "stream/peer_name.hpp"

namespace captured::stream {

namespace {

using clock = std::chrono::steady_clock;
using call_source = grpc::ServerReader<grpc::ByteBuffer>;

constexpr int spare_threads = 8;  // beyond one for each stream, to refuse further ones
constexpr std::size_t bytes_per_client = std::size_t{8} << 20;  // that gRPC may hold for one
constexpr int keepalive_ms = 60'000;  // a peer that is gone without a word is noticed
constexpr int keepalive_answer_ms = 20'000;

/// Did the stream break, rather than end? gRPC tells the end of the messages first and why shortly
/// after, so a proper end is believed only when nothing else was heard for a moment.
bool is_broken(const grpc::ServerContext& context) {
  constexpr auto moment = std::chrono::milliseconds(20);
  constexpr auto step = std::chrono::milliseconds(2);
  for (auto waited = std::chrono::milliseconds(0); waited < moment; waited += step) {
    if (context.IsCancelled()) {
      return true;
    }
    std::this_thread::sleep_for(step);
  }
  return context.IsCancelled();
}

/// Slows a stream down to so many packets a second; the peer notices by its flow control.
class pace {
 public:
  explicit pace(std::uint64_t per_second) : per_second_(per_second) {}

  /// Not longer than the stream lasts.
  void wait_after(std::uint64_t packets, const grpc::ServerContext& context) {
    // A sleep for each packet would cost more than it.
    const std::uint64_t step = std::clamp<std::uint64_t>(per_second_ / 10, 1, 64);
    if (per_second_ == 0 || packets % step != 0) {
      return;
    }
    due_ = std::max(due_, clock::now() - std::chrono::milliseconds(100));
    due_ += std::chrono::nanoseconds(1'000'000'000 * step / per_second_);
    constexpr auto slice = std::chrono::milliseconds(50);
    while (clock::now() < due_ && !context.IsCancelled()) {
      std::this_thread::sleep_until(std::min(due_, clock::now() + slice));
    }
  }

 private:
  std::uint64_t per_second_;
  clock::time_point due_{};
};

/// The octets of one message in one piece.
class flat_message {
 public:
  /// Empty when there are none, which is a message, too.
  std::span<const std::byte> of(const grpc::ByteBuffer& buffer) {
    if (buffer.TrySingleSlice(&single_).ok()) {
      return std::as_bytes(std::span(single_.begin(), single_.size()));
    }
    slices_.clear();
    octets_.clear();
    if (buffer.Dump(&slices_).ok()) {
      for (const grpc::Slice& each : slices_) {
        octets_.insert(octets_.end(), each.begin(), each.end());
      }
    }
    return std::as_bytes(std::span(octets_));
  }

 private:
  grpc::Slice single_;
  std::vector<grpc::Slice> slices_;
  std::vector<unsigned char> octets_;
};

}  // namespace

class server::worker final : public grpc::Service {
 public:
  worker(const server_options& options, receiver_maker make)
      : options_(options), make_(std::move(make)) {
    std::vector<std::string> paths{usual_path, bare_path};
    if (!options.path.empty() && options.path != usual_path && options.path != bare_path) {
      paths.push_back(options.path);
    }
    paths_ = std::move(paths);  // the methods keep pointers into it
    for (const std::string& path : paths_) {
      AddMethod(new grpc::internal::RpcServiceMethod(
          path.c_str(), grpc::internal::RpcMethod::CLIENT_STREAMING,
          new grpc::internal::ClientStreamingHandler<worker, grpc::ByteBuffer, grpc::ByteBuffer>(
              [](worker* self, grpc::ServerContext* context, call_source* from,
                 grpc::ByteBuffer* confirmation) {
                return self->serve(*context, *from, *confirmation);
              },
              this)));
    }
  }

  base::result<> start() {
    const auto credentials = server_credentials(options_);
    if (!credentials) {
      return credentials.error();
    }
    const auto clients = static_cast<int>(options_.clients_max);
    grpc::ResourceQuota quota("captured");
    quota.SetMaxThreads(clients + spare_threads);
    quota.Resize((options_.clients_max + spare_threads) * bytes_per_client);
    grpc::ServerBuilder builder;
    builder.AddListeningPort(options_.listen, *credentials, &port_)
        .RegisterService(this)
        .SetResourceQuota(quota)
        .SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1)
        .SetMaxReceiveMessageSize(static_cast<int>(options_.message_bytes_max))
        .AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0)
        .AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                            static_cast<int>(options_.handshake.count()))
        .AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                            static_cast<int>(options_.idle.count()))
        .AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, keepalive_ms)
        .AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive_answer_ms);
    server_ = builder.BuildAndStart();
    if (!server_ || port_ == 0) {
      return base::invalid_input("listen on " + options_.listen,
                                 "the address is in use, not ours, or not HOST:PORT");
    }
    return {};
  }

  void stop(std::chrono::milliseconds time) {
    if (server_) {
      server_->Shutdown(std::chrono::system_clock::now() + time);
      server_->Wait();
    }
  }

  ~worker() override { stop(std::chrono::milliseconds(0)); }

  [[nodiscard]] std::uint16_t port() const noexcept { return static_cast<std::uint16_t>(port_); }

 private:
  grpc::Status serve(grpc::ServerContext& context, call_source& from,
                     grpc::ByteBuffer& confirmation) {
    const grpc::Slice nothing;
    confirmation = grpc::ByteBuffer(&nothing, 1);  // google.protobuf.Empty has no octets
    struct place {
      std::atomic<std::uint32_t>& taken;
      ~place() { --taken; }
    };
    const std::uint32_t others = clients_++;
    const place ours{clients_};
    if (others >= options_.clients_max) {
      return {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many streams at once; try again later"};
    }
    auto to = make_(plain_peer(context.peer()));
    if (!to) {
      return {grpc::StatusCode::UNAVAILABLE, to.error().message()};
    }
    stream_end end;
    grpc::Status status = receive(context, from, **to, end);
    if (status.ok() && is_broken(context)) {
      end.why = "the connection broke, or a message was longer than allowed";
      status = {grpc::StatusCode::CANCELLED, end.why};
    }
    end.complete = status.ok();
    const auto ended = (*to)->end(end);
    return status.ok() && !ended ? grpc::Status(grpc::StatusCode::INTERNAL, ended.error().message())
                                 : status;
  }

  grpc::Status receive(const grpc::ServerContext& context, call_source& from, receiver& to,
                       stream_end& end) const {
    message_decoder decoder;
    flat_message flat;
    pace rate(options_.packets_per_second_max);
    grpc::ByteBuffer message;
    while (from.Read(&message)) {
      const auto packet = decoder.decode(flat.of(message));
      if (!packet) {
        end.why = packet.error().message() + " (number " + std::to_string(end.packets) + ")";
        return {grpc::StatusCode::INVALID_ARGUMENT, end.why};
      }
      end.peculiarities.headers_missing += packet->header_missing ? 1U : 0U;
      end.peculiarities.data_missing += packet->data_missing ? 1U : 0U;
      end.peculiarities.lengths_differing += packet->length_differs ? 1U : 0U;
      if (const auto taken = to.take(*packet); !taken) {
        end.why = taken.error().message();
        return {grpc::StatusCode::INTERNAL, end.why};
      }
      rate.wait_after(++end.packets, context);
    }
    return grpc::Status::OK;
  }

  const server_options options_;
  const receiver_maker make_;
  std::vector<std::string> paths_;
  std::atomic<std::uint32_t> clients_ = 0;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

base::result<std::unique_ptr<server>> server::start(const server_options& options,
                                                    receiver_maker make) {
  silence_grpc();
  auto made = std::make_unique<worker>(options, std::move(make));
  if (const auto listening = made->start(); !listening) {
    return listening.error();
  }
  return std::unique_ptr<server>(new server(std::move(made)));
}

server::server(std::unique_ptr<worker> made) : worker_(std::move(made)) {}
server::~server() = default;

std::uint16_t server::port() const noexcept {
  return worker_->port();
}

void server::stop(std::chrono::milliseconds time) {
  worker_->stop(time);
}

}  // namespace captured::stream
