// SPDX-License-Identifier: MIT
//
// capturectl receive: takes streams of packets from other machines and writes them into files.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <mutex>

#include <boost/json.hpp>
#include <sys/resource.h>
#include <sys/stat.h>

#include "capturectl.hpp"
#include "capturectl_arguments.hpp"
#include "capturectl_received.hpp"
#include "stream/server.hpp"

namespace captured::capturectl {
namespace {

namespace json = boost::json;

constexpr auto stop_time = std::chrono::seconds(2);  // for streams that end by themselves
constexpr rlim_t spare_files = 64;                   // beside those of streams
constexpr rlim_t open_files_max = 65536;

constexpr command_words words{
    "receive", "[options] DIRECTORY",
    "Listens for streams of packets over gRPC (packet_streaming.PacketStreaming/Run), as outputs\n"
    "of type stream and capturectl send make them, and other sniffers of that interface. Each\n"
    "stream gets files of its own in DIRECTORY, named after time and peer. Whatever becomes of a\n"
    "stream, what came of it is in whole files. Ends at ^C. Exit status: 0 ended by a signal,\n"
    "1 it cannot listen or could not write, 2 wrong usage.\n",
    "  capturectl receive /var/tmp/streams\n"
    "  capturectl receive --listen 0.0.0.0:443 --certificate me.pem --key me.key \\\n"
    "    --authorities clients.pem --rotate-size 1024 /srv/streams\n"};

struct receive_options {
  std::vector<std::string> paths;
  received_options files;
  stream::server_options server;
  std::uint32_t rotate_mib = 0;
  std::uint32_t rotate_seconds = 0;
  std::uint32_t rotate_packets = 0;
  std::uint32_t message_bytes_max = 4 << 20;
  std::uint32_t rate = 0;
  std::uint32_t link = 1;
  std::string service;
  bool json = false;
};

void add_options(option_list& visible, receive_options& into) {
  visible.value("listen", into.server.listen, "address and port (default: 0.0.0.0:50051)")
      .value("service", into.service,
             "a further service or method path to answer on, beside the usual two")
      .value("format,F", into.files.output.format,
             "pcapng (default), pcap-us, pcap-ns, pcap, lpcap")
      .value("compress", into.files.output.compression, "gzip, zstd, none")
      .value("rotate-size", into.rotate_mib, "begin another file after so many MiB")
      .value("rotate-seconds", into.rotate_seconds, "begin another file after so many seconds")
      .value("rotate-packets", into.rotate_packets, "begin another file after so many packets")
      .value("link-type", into.link,
             "link type of streams that do not say theirs (default: 1, Ethernet)")
      .value("certificate", into.server.tls.certificate, "TLS: the certificate to show (PEM)")
      .value("key", into.server.tls.key, "TLS: its key")
      .value("authorities", into.server.tls.authorities,
             "TLS: demand a certificate of each client, signed by one of these")
      .value("message-max", into.message_bytes_max,
             "longest message in octets (default: 4 MiB); a longer one ends its stream")
      .value("clients", into.server.clients_max, "streams at a time (default: 64)")
      .value("rate", into.rate, "packets a second of one stream; a faster one is slowed down")
      .flag("json", into.json, "one JSON object for each stream that ends");
}

base::result<> prepare(receive_options& options) {
  if (auto known = check_output_options("x", options.files.output); !known) {
    return known;
  }
  if (options.message_bytes_max == 0 || options.message_bytes_max > (1U << 30) ||
      options.server.clients_max == 0 || options.server.clients_max > 1000) {
    return base::invalid_input("limits", "messages up to 1 GiB and 1 to 1000 clients are possible");
  }
  if (options.link > UINT16_MAX) {
    return base::invalid_input("link-type", "link types go up to 65535");
  }
  if (!options.service.empty()) {
    const auto path = stream::parse_path(options.service);
    if (!path) {
      return path.error();
    }
    options.server.path = *path;
  }
  struct stat about {};
  if (::stat(options.paths[0].c_str(), &about) != 0 || !S_ISDIR(about.st_mode)) {
    return base::invalid_input(options.paths[0], "it is no directory");
  }
  options.files.directory = options.paths[0];
  options.files.output.in_background = false;  // a thread for each stream is enough
  options.files.rotate_bytes = std::uint64_t{options.rotate_mib} << 20;
  options.files.rotate_packets = options.rotate_packets;
  options.files.rotate_interval = std::chrono::seconds(options.rotate_seconds);
  options.files.link = packet::link_type{static_cast<std::uint16_t>(options.link)};
  options.server.message_bytes_max = options.message_bytes_max;
  options.server.packets_per_second_max = options.rate;
  options.server.is_encrypted = !options.server.tls.certificate.empty();
  if (!options.server.is_encrypted &&
      !(options.server.tls.key.empty() && options.server.tls.authorities.empty())) {
    return base::invalid_input("TLS", "it needs --certificate and --key");
  }
  return {};
}

/// A stream has its connection and its file, with a sidecar where the format has one; and there are
/// connections that have no stream yet.
base::result<> make_room_for(const receive_options& options) {
  const bool has_sidecar = options.files.output.format == "lpcap";
  const rlim_t needed = spare_files + options.server.clients_max * (has_sidecar ? 4U : 3U);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return base::system_failure(errno, "ask for the limit of open files");
  }
  if (limit.rlim_max < needed) {
    return base::invalid_input("clients", std::to_string(options.server.clients_max) + " need " +
                                              std::to_string(needed) + " open files, and " +
                                              std::to_string(limit.rlim_max) +
                                              " are allowed (ulimit -n)");
  }
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, open_files_max));
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0
             ? base::result<>()
             : base::system_failure(errno, "raise the limit of open files");
}

json::object to_json(const received_report& of) {
  json::array files;
  for (const std::string& each : of.files) {
    files.emplace_back(printable(each));
  }
  json::object made{{"peer", of.peer},
                    {"packets", of.end.packets},
                    {"written", of.counts.packets},
                    {"complete", of.end.complete},
                    {"headers_missing", of.end.peculiarities.headers_missing},
                    {"data_missing", of.end.peculiarities.data_missing},
                    {"lengths_differing", of.end.peculiarities.lengths_differing},
                    {"files", std::move(files)}};
  if (!of.end.why.empty()) {
    made["why"] = printable(of.end.why);
  }
  if (!of.error.empty()) {
    made["error"] = printable(of.error);
  }
  return made;
}

void print(const received_report& of, bool as_json) {
  if (as_json) {
    std::puts(json::serialize(to_json(of)).c_str());
  } else {
    std::printf("%s: %llu packets in %zu file(s), %s%s\n", of.peer.c_str(),
                static_cast<unsigned long long>(of.counts.packets), of.files.size(),
                of.end.complete ? "complete" : "broken off: ", printable(of.end.why).c_str());
    for (const std::string& each : format::describe_losses(of.counts)) {
      std::printf("%s: %s\n", of.peer.c_str(), each.c_str());
    }
  }
  std::fflush(stdout);
  if (!of.error.empty()) {
    complain(words.name, of.error);
  }
}

/// Threads that are begun from now on leave these signals to `sigwait`.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    sigaddset(&set, number);
  }
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

}  // namespace

int receive(const std::vector<std::string>& arguments) {
  receive_options options;
  if (const auto status = take_options(words, arguments, 1, add_options, prepare, options)) {
    return *status;
  }
  if (const auto room = make_room_for(options); !room) {
    complain(words.name, room.error().message());
    return exit_usage;
  }
  const sigset_t signals = block_signals();
  std::mutex printing;
  bool all_written = true;
  const auto made = stream::server::start(options.server, [&](const std::string& peer) {
    return received_stream::make(options.files, peer, [&](const received_report& report) {
      const std::lock_guard lock(printing);
      all_written = all_written && report.error.empty();
      print(report, options.json);
    });
  });
  if (!made) {
    complain(words.name, made.error().message());
    return exit_trouble;
  }
  std::fprintf(stderr, "capturectl receive: listening, port %u\n", unsigned{(*made)->port()});
  int number = 0;
  ::sigwait(&signals, &number);
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);  // a second one ends it at once
  (*made)->stop(stop_time);
  return all_written ? exit_well : exit_trouble;
}

}  // namespace captured::capturectl
