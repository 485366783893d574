// SPDX-License-Identifier: MIT
//
// capturectl send: a capture file as a stream of packets to a collector.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <thread>

#include <boost/json.hpp>

#include "capturectl.hpp"
#include "capturectl_arguments.hpp"
#include "capturectl_filters.hpp"
#include "capturectl_input.hpp"
#include "stream/client.hpp"

namespace captured::capturectl {
namespace {

using namespace format;
using clock = std::chrono::steady_clock;

constexpr std::size_t batch_bytes = std::size_t{128} << 10;
constexpr auto worth_a_sleep = std::chrono::microseconds(500);

constexpr command_words words{
    "send", "[options] FILE",
    "Sends the packets of FILE to a collector over gRPC, as capturectl receive and other programs\n"
    "of that interface take them: at the speed at which they were captured, at a multiple of it,\n"
    "or as fast as it goes. Only Ethernet is sent unless told otherwise, for the interface has no\n"
    "word for link types that others know. Exit status: 0 all was sent and the collector has\n"
    "confirmed it, 1 not so, 2 wrong usage.\n",
    "  capturectl send --to http://collector.example:50051 today.pcapng\n"
    "  capturectl send --to https://collector.example:443 --authorities ca.pem --fast old.pcap\n"};

struct send_options {
  std::vector<std::string> paths;
  std::string to;
  std::string service;
  std::string speed = "1";
  double factor = 1;
  std::string filter;
  bool fast = false;
  bool all_link_types = false;
  bool json = false;
  bool unchecked = false;
  stream::client_options client;
};

void add_options(option_list& visible, send_options& into) {
  visible.required("to", into.to, "http://HOST:PORT, or https://HOST:PORT for TLS")
      .value("service", into.service, "the service, or the path of its method")
      .value("speed", into.speed, "so many times the file's own speed (default: 1)")
      .flag("fast", into.fast, "as fast as it goes")
      .value("filter,f", into.filter, "only packets that match, in libpcap's syntax")
      .flag("all-link-types", into.all_link_types, "send packets that are not Ethernet, too")
      .value("authorities", into.client.tls.authorities,
             "TLS: who may sign the collector's certificate (default: the system's)")
      .value("certificate", into.client.tls.certificate, "TLS: our own certificate (PEM)")
      .value("key", into.client.tls.key, "TLS: its key")
      .value("name", into.client.tls.name, "TLS: the name in the collector's certificate")
      .flag("unchecked", into.unchecked, "TLS: believe any certificate; for tests alone")
      .flag("json", into.json, "report as one JSON object");
}

base::result<> prepare(send_options& options) {
  const auto to = stream::parse_collector(options.to);
  if (!to) {
    return to.error();
  }
  const auto path = stream::parse_path(options.service);
  if (!path) {
    return path.error();
  }
  const char* const end = options.speed.data() + options.speed.size();
  const auto [rest, error] = std::from_chars(options.speed.data(), end, options.factor);
  if (error != std::errc{} || rest != end || !(options.factor > 0) || options.factor > 1e9) {
    return base::invalid_input("speed \"" + options.speed + "\"", "a number above 0 was expected");
  }
  options.client.to = *to;
  options.client.path = *path;
  options.client.tls.check_certificate = !options.unchecked;
  if (!to->is_encrypted && !(options.client.tls == stream::tls_options{})) {
    return base::invalid_input("TLS", "without https:// the packets would go in the clear");
  }
  options.client.queue_bytes = 16 * batch_bytes;
  options.client.ends_at_failure = true;
  return {};
}

class sender {
 public:
  sender(const send_options& options, capture_reader& reader, stream::client& to)
      : options_(options), reader_(reader), to_(to), filters_(options.filter) {}

  /// False when the file is broken or the collector takes no more.
  base::result<> run() {
    capture_item item = reader_.next();
    for (; item != capture_item::end && item != capture_item::failed; item = reader_.next()) {
      if (item == capture_item::section) {
        first_of_section_ = interfaces_;
      } else if (item == capture_item::interface) {
        if (const auto usable = take_interface(); !usable) {
          return usable;
        }
      } else if (item == capture_item::packet && !take_packet()) {
        return {};  // why is told by the end of the stream
      }
    }
    hand_over();
    if (item == capture_item::failed) {
      return reader_.failure();
    }
    return filters_.useless() ? base::result<>(*filters_.useless()) : base::result<>();
  }

  std::uint64_t left_out = 0;  ///< of other link types

 private:
  base::result<> take_interface() {
    const interface_description_block& description = reader_.interfaces().back().description;
    if (interfaces_ == stream::interfaces_max) {
      return base::invalid_input("interfaces", "there are more than a stream can have");
    }
    to_.queue().describe(interfaces_++,
                         {.name = description.name.value_or(""), .link = description.link});
    return filters_.prepare(description.link);
  }

  bool take_packet() {
    const capture_packet& packet = reader_.packet();
    if (packet.link != packet::link_type::ethernet && !options_.all_link_types) {
      ++left_out;
      return true;
    }
    if (!filters_.matches(packet)) {
      return true;
    }
    if (!options_.fast && packet.has_time && !await(packet.time)) {
      return false;
    }
    // What the stream has no room for are times before 1970 and beyond 2106.
    const auto time = static_cast<std::uint64_t>(packet.time < 0 ? 0 : packet.time);
    batch_.append({.time_ns = time,
                   .data = packet.data,
                   .original_length = packet.original_length,
                   .interface_id = first_of_section_ + packet.interface_id});
    return batch_.bytes() < batch_bytes || hand_over();
  }

  /// Until it is the packet's time, in the file's clock.
  bool await(time_ns time) {
    if (!first_) {
      first_ = time;
      begun_ = clock::now();
    }
    // Far below what a clock can say, for a file with times as far apart as they can be.
    constexpr double longest = 1e17;
    const double since = std::min(
        (static_cast<double>(time) - static_cast<double>(*first_)) / options_.factor, longest);
    const auto due = begun_ + std::chrono::nanoseconds(static_cast<std::int64_t>(since));
    if (due - clock::now() < worth_a_sleep) {
      return true;
    }
    if (!hand_over()) {
      return false;
    }
    std::this_thread::sleep_until(due);
    return true;
  }

  bool hand_over() {
    return batch_.packets() == 0 ||
           (to_.queue().await_room(batch_.bytes()) && to_.queue().offer(batch_));
  }

  const send_options& options_;
  capture_reader& reader_;
  stream::client& to_;
  filter_set filters_;
  stream::packet_batch batch_;
  std::uint32_t interfaces_ = 0;  ///< of all sections
  std::uint32_t first_of_section_ = 0;
  std::optional<time_ns> first_;
  clock::time_point begun_;
};

int report(const send_options& options, const stream::client_figures& figures,
           std::uint64_t left_out, const std::vector<std::string>& errors) {
  if (options.json) {
    boost::json::array texts;
    for (const std::string& each : errors) {
      texts.emplace_back(printable(each));
    }
    std::puts(boost::json::serialize(boost::json::object{{"offered", figures.offered},
                                                         {"sent", figures.sent},
                                                         {"dropped", figures.dropped},
                                                         {"unconfirmed", figures.unconfirmed},
                                                         {"left_out", left_out},
                                                         {"errors", std::move(texts)}})
                  .c_str());
  } else {
    std::printf("%llu packets sent\n", static_cast<unsigned long long>(figures.sent));
  }
  if (left_out != 0) {
    complain(words.name, std::to_string(left_out) +
                             " packets that are not Ethernet were left out (--all-link-types)");
  }
  for (const std::string& each : errors) {
    complain(words.name, printable(each));
  }
  return errors.empty() ? exit_well : exit_trouble;
}

}  // namespace

int send(const std::vector<std::string>& arguments) {
  send_options options;
  if (const auto status = take_options(words, arguments, 1, add_options, prepare, options)) {
    return *status;
  }
  const auto input = capture_input::open(options.paths[0], {}, capture_input::access::streamed);
  if (!input) {
    complain(words.name, input.error().message());
    return exit_trouble;
  }
  const auto to = stream::client::start(options.client, {});
  if (!to) {
    complain(words.name, to.error().message());
    return exit_trouble;
  }
  std::vector<std::string> errors;
  sender work(options, (*input)->reader(), **to);
  if (const auto read = work.run(); !read) {
    errors.push_back(options.paths[0] + ": " + read.error().message());
  }
  constexpr auto no_limit = std::chrono::hours(24 * 365);
  if (const auto ended = (*to)->finish(no_limit); !ended) {
    errors.push_back(ended.error().message());
  }
  return report(options, (*to)->queue().figures(), work.left_out, errors);
}

}  // namespace captured::capturectl
