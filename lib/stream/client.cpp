// SPDX-License-Identifier: MIT
#include "stream/client.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/sync_stream.h>

#include "stream/credentials.hpp"
#include "stream/peer_name.hpp"

namespace captured::stream {

namespace {

using clock = std::chrono::steady_clock;
using call_sink = grpc::ClientWriter<grpc::ByteBuffer>;

constexpr auto connect_step = std::chrono::milliseconds(100);  // how soon a cancel is noticed
constexpr auto reason_time = std::chrono::seconds(1);          // for a call that only asks why not
// Servers refuse more frequent questions on a connection on which they send nothing.
constexpr int keepalive_ms = 310'000;
constexpr int keepalive_answer_ms = 20'000;

grpc::ChannelArguments channel_arguments(const client_options& options) {
  grpc::ChannelArguments made;
  // No channel is shared with an earlier connection, and none reconnects by itself.
  made.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  made.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  made.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // An attempt that outlives our own patience would be answered when nobody waits for it.
  made.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, static_cast<int>(options.connect_timeout.count()));
  // What gRPC would look at each message for, and nobody asked it to.
  for (const char* const unused : {GRPC_ARG_ENABLE_CHANNELZ, GRPC_ARG_ENABLE_CENSUS,
                                   GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION}) {
    made.SetInt(unused, 0);
  }
  made.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, keepalive_ms);
  made.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive_answer_ms);
  if (options.to.is_encrypted && !options.tls.name.empty()) {
    made.SetSslTargetNameOverride(options.tls.name);
  }
  return made;
}

/// A host may be called as one of gRPC's own kinds of targets is: "unix", say.
std::string channel_target(const collector_address& to) {
  return (to.is_literal() ? "" : "dns:///") + to.target();
}

std::string describe_status(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return "it ended the stream before its time";
    case grpc::StatusCode::UNIMPLEMENTED:
      return "it knows no such method: " + status.error_message();
    default:
      return status.error_message().empty()
                 ? "status " + std::to_string(static_cast<int>(status.error_code()))
                 : status.error_message();
  }
}

}  // namespace

/// The thread and its connection.
class client::worker {
 public:
  worker(client_options options, client_events events,
         std::shared_ptr<grpc::ChannelCredentials> credentials)
      : options_(std::move(options)),
        events_(std::move(events)),
        credentials_(std::move(credentials)),
        method_(options_.path.c_str(), grpc::internal::RpcMethod::CLIENT_STREAMING),
        queue_(options_.queue_bytes),
        thread_([this] { run(); }) {}

  ~worker() {
    cancel();
    thread_.join();
  }

  [[nodiscard]] send_queue& queue() noexcept { return queue_; }

  void cancel() {
    queue_.cancel();
    const std::lock_guard lock(context_mutex_);
    if (context_ != nullptr) {
      context_->TryCancel();
    }
  }

  /// After the queue was closed.
  [[nodiscard]] const base::result<>& outcome() const noexcept { return outcome_; }

 private:
  void run() {
    std::minstd_rand random(std::random_device{}());
    auto pause = options_.retry_first;
    while (true) {
      connected_at_.reset();
      outcome_ = attempt();
      if (outcome_ || options_.ends_at_failure) {
        break;
      }
      // Not for a collector that takes some packets and fails each time.
      if (connected_at_ && clock::now() - *connected_at_ >= options_.retry_longest) {
        pause = options_.retry_first;
      }
      if (events_.failed && !queue_.is_cancelled()) {
        events_.failed(outcome_.error().message());
      }
      // Recorders that lost one collector together do not come back together.
      std::uniform_int_distribution<std::int64_t> jitter(pause.count() / 2, pause.count());
      if (!queue_.note_failed(outcome_.error().message(), sent_in_call_,
                              std::chrono::milliseconds(jitter(random)))) {
        break;
      }
      pause = std::min(2 * pause, options_.retry_longest);
    }
    queue_.close();
    if (events_.ended) {
      events_.ended(outcome_);
    }
  }

  /// What is thrown, as where no further thread can be had, costs the attempt and not the process.
  base::result<> attempt() {
    try {
      return connect_and_send();
    } catch (const std::exception& thrown) {
      return base::invalid_input("collector " + options_.to.target(), thrown.what());
    }
  }

  base::result<> connect_and_send() {
    sent_in_call_ = 0;
    gone_ = false;
    told_.clear();
    const auto channel = grpc::CreateCustomChannel(channel_target(options_.to), credentials_,
                                                   channel_arguments(options_));
    const reach reached = await_connection(*channel);
    if (reached == reach::silent) {
      // No call: it would be held back until there is a connection, and nobody would send on it.
      return base::invalid_input("collector " + options_.to.target(), "it did not answer in time");
    }
    const bool connected = reached == reach::ready;
    grpc::ClientContext context;
    if (!connected) {
      context.set_deadline(std::chrono::system_clock::now() + reason_time);
    }
    grpc::ByteBuffer confirmation;
    set_context(&context);
    struct forgetting {
      worker& of;
      ~forgetting() { of.set_context(nullptr); }
    } const forgetting{*this};
    if (queue_.is_cancelled()) {
      context.TryCancel();  // it may have come just before the context was known
    }
    const std::unique_ptr<call_sink> to(
        grpc::internal::ClientWriterFactory<grpc::ByteBuffer>::Create(channel.get(), method_,
                                                                      &context, &confirmation));
    // Its answer is waited for from the beginning, else one that comes before the end would go
    // unnoticed until there is something to send.
    grpc::Status status;
    answered_ = false;
    std::thread answer([&] {
      status = to->Finish();
      answered_ = true;
    });
    bool whole = false;
    std::string thrown;
    try {
      whole = connected && send_connected(*channel, context, *to);
    } catch (const std::exception& one) {
      thrown = one.what();
      context.TryCancel();
    }
    if (gone_ || (!whole && queue_.is_cancelled())) {
      context.TryCancel();  // without effect where it has answered
    }
    answer.join();
    if (status.ok() && whole) {
      return {};
    }
    return base::invalid_input("collector " + options_.to.target(),
                               thrown.empty() ? describe_status(status) : thrown);
  }

  /// True when the stream ended and all was sent.
  bool send_connected(grpc::Channel& channel, const grpc::ClientContext& context, call_sink& to) {
    connected_at_ = clock::now();
    queue_.note_connected();
    if (events_.connected) {
      events_.connected(options_.asks_peer ? peer_of(context) : std::nullopt);
    }
    return send_all(channel, to) && to.WritesDone();
  }

  /// gRPC knows it a moment after the call began.
  std::optional<collector_address> peer_of(const grpc::ClientContext& context) const {
    constexpr auto longest = std::chrono::seconds(1);
    constexpr auto step = std::chrono::milliseconds(2);
    const auto end = clock::now() + longest;
    auto peer = address_of_peer(context.peer());
    while (!peer && !answered_ && clock::now() < end && !queue_.is_cancelled()) {
      std::this_thread::sleep_for(step);
      peer = address_of_peer(context.peer());
    }
    return peer;
  }

  enum class reach {
    ready,
    refused,  ///< a call tells why
    silent    ///< neither in time, or cancelled
  };

  reach await_connection(grpc::Channel& channel) {
    const auto end = clock::now() + options_.connect_timeout;
    while (clock::now() < end && !queue_.is_cancelled()) {
      const grpc_connectivity_state state = channel.GetState(true);
      if (state == GRPC_CHANNEL_READY || state == GRPC_CHANNEL_TRANSIENT_FAILURE) {
        return state == GRPC_CHANNEL_READY ? reach::ready : reach::refused;
      }
      channel.WaitForStateChange(state, std::chrono::system_clock::now() + connect_step);
    }
    return reach::silent;
  }

  void set_context(grpc::ClientContext* context) {
    const std::lock_guard lock(context_mutex_);
    context_ = context;
  }

  /// True when the stream ends and all was sent.
  bool send_all(grpc::Channel& channel, call_sink& to) {
    while (true) {
      if (position_ < batch_.entries().size() && !send_batch(to)) {
        return false;
      }
      position_ = 0;
      offset_ = 0;
      switch (queue_.next(batch_, known_)) {
        case send_queue::order::send:
          break;
        case send_queue::order::idle:
          // Without a packet nothing else would tell that the collector has gone.
          gone_ = channel.GetState(false) != GRPC_CHANNEL_READY;
          if (answered_ || gone_) {
            return false;
          }
          break;
        case send_queue::order::finish:
          return true;
        case send_queue::order::stop:
          return false;
      }
    }
  }

  bool send_batch(call_sink& to) {
    sent_part part;
    // Messages are parts of it: no memory is taken for each.
    const grpc::Slice octets(batch_.octets().data(), batch_.bytes());
    while (position_ < batch_.entries().size()) {
      const packet_batch::entry& entry = batch_.entries()[position_];
      const bool last = ++position_ == batch_.entries().size();
      const bool taken = send_one(to, octets, entry, last);
      offset_ += entry.bytes;
      if (!taken) {
        // It may have gone out or not: sending it again could bring it twice.
        part.lost = 1;
        break;
      }
      ++part.packets;
      part.octets += entry.bytes;
    }
    sent_in_call_ += part.packets;
    queue_.settle(part);
    return part.lost == 0;
  }

  bool send_one(call_sink& to, const grpc::Slice& octets, const packet_batch::entry& entry,
                bool last) {
    const std::string* const description = description_due(entry.interface_id);
    const std::array slices{
        octets.sub(offset_, offset_ + entry.bytes),
        description == nullptr ? grpc::Slice() : grpc::Slice(*description),
    };
    const grpc::ByteBuffer message(slices.data(), description == nullptr ? 1 : 2);
    grpc::WriteOptions how;
    if (!last) {
      how.set_buffer_hint();
    }
    return to.Write(message, how);
  }

  /// What the interface is called, unless this call was told so already.
  const std::string* description_due(std::uint32_t id) {
    if (id >= known_.size() || known_[id].version == 0) {
      return nullptr;
    }
    if (id >= told_.size()) {
      told_.resize(known_.size());
    }
    return std::exchange(told_[id], known_[id].version) == known_[id].version ? nullptr
                                                                              : &known_[id].octets;
  }

  const client_options options_;
  const client_events events_;
  const std::shared_ptr<grpc::ChannelCredentials> credentials_;
  const grpc::internal::RpcMethod method_;
  send_queue queue_;
  base::result<> outcome_;

  // Of the thread alone. What a connection that broke has left of the batch is for the next one.
  packet_batch batch_;
  std::size_t position_ = 0;  ///< entries of it that were sent
  std::size_t offset_ = 0;    ///< octets of it that were sent
  std::vector<send_queue::description> known_;
  std::vector<std::uint64_t> told_;  ///< versions, by interface, that this call knows
  std::uint64_t sent_in_call_ = 0;
  std::optional<clock::time_point> connected_at_;  ///< none when the last attempt failed
  bool gone_ = false;  ///< the connection has, or is about to, while there is nothing to send
  std::atomic<bool> answered_ = false;

  std::mutex context_mutex_;
  grpc::ClientContext* context_ = nullptr;
  std::thread thread_;  // last: it uses all of the above
};

base::result<std::unique_ptr<client>> client::start(const client_options& options,
                                                    client_events events) {
  silence_grpc();
  auto credentials = client_credentials(options);
  if (!credentials) {
    return credentials.error();
  }
  return std::unique_ptr<client>(
      new client(std::make_unique<worker>(options, std::move(events), std::move(*credentials))));
}

client::client(std::unique_ptr<worker> made) : worker_(std::move(made)) {}
client::~client() = default;

send_queue& client::queue() noexcept {
  return worker_->queue();
}

void client::end() {
  queue().end();
}

void client::cancel() {
  worker_->cancel();
}

base::result<> client::finish(std::chrono::milliseconds time) {
  end();
  if (!queue().await_closed(time)) {
    cancel();
    constexpr auto breaking_off = std::chrono::hours(1);  // that is, as long as it takes
    (void)queue().await_closed(breaking_off);
  }
  return worker_->outcome();
}

}  // namespace captured::stream
