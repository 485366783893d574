// SPDX-License-Identifier: MIT
//
// capturectl live: the packets that the running service records, as they come.
#include "capturectl_live.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include <boost/json.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "capturectl.hpp"
#include "capturectl_arguments.hpp"
#include "daemon/control_client.hpp"
#include "daemon/control_stream.hpp"

namespace captured::capturectl {
namespace {

constexpr auto answer_time = std::chrono::seconds(10);

constexpr command_words words{
    "live", "[options]",
    "Writes the packets that the running captured records to standard output, as they come, in\n"
    "pcapng. Nothing is captured a second time: what the recording's filter rejects is not there.\n"
    "A reader that is too slow loses packets of its own and none of the recording's; how many is\n"
    "said at the end, and in the packets' drop counts. Ends at ^C, when the reader goes, and when\n"
    "the service stops. Exit status: 0 ended so, 1 nobody answers or refused, 2 wrong usage.\n",
    "  capturectl live --interface eth0 | wireshark -k -i -\n"
    "  capturectl live --filter 'tcp port 443' | tshark -r - -Y tls.handshake\n"
    "  ssh sensor capturectl live --interface eth0 | wireshark -k -i -\n"};

// A handler may do little: it asks the daemon for its last line.
std::atomic<int> stream_fd = -1;

extern "C" void end_stream(int) {
  if (const int fd = stream_fd; fd >= 0) {
    daemon::control_stream::end(fd);
  }
}

void end_on_signals(int fd) {
  stream_fd = fd;
  struct sigaction action {};
  action.sa_handler = end_stream;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    ::sigaction(number, &action, nullptr);
  }
  action.sa_flags = 0;
  action.sa_handler = SIG_IGN;  // a reader that has gone is told by the write
  ::sigaction(SIGPIPE, &action, nullptr);
}

base::result<> write_all(int fd, std::span<const std::byte> octets) {
  while (!octets.empty()) {
    const ssize_t count = ::write(fd, octets.data(), octets.size());
    if (count < 0 && errno == EINTR) {
      continue;  // what was begun is ended whole; a second signal ends us
    }
    if (count < 0) {
      return base::system_failure(errno, "write packets");
    }
    octets = octets.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

std::uint64_t number_of(const boost::json::object& values, const char* name) {
  const boost::json::value* const value = values.if_contains(name);
  boost::json::error_code error;
  return value == nullptr ? 0 : value->to_number<std::uint64_t>(error);
}

}  // namespace

int run_live(const char* command, const live_request& request, const base::unique_fd& to) {
  boost::json::object asked{{"request", "live"}, {"snaplen", request.snaplen}};
  for (const auto& [name, text] :
       {std::pair("interface", &request.interface), std::pair("output", &request.output),
        std::pair("filter", &request.filter)}) {
    if (!text->empty()) {
      asked[name] = *text;
    }
  }
  auto stream = daemon::control_stream::open(request.socket, asked, answer_time);
  if (!stream) {
    complain(command, stream.error().message());
    return exit_trouble;
  }
  end_on_signals(stream->fd());
  bool reader_gone = false;
  const auto answer = stream->run([&](std::span<const std::byte> octets) {
    auto written = write_all(to.get(), octets);
    if (!written) {
      reader_gone = written.error().code == boost::system::errc::broken_pipe;
    }
    return written;
  });
  stream_fd = -1;
  if (reader_gone) {
    return exit_well;
  }
  if (!answer) {
    complain(command, answer.error().message());
    return exit_trouble;
  }
  for (const std::string& each : answer->errors) {
    complain(command, printable(each));
  }
  if (!answer->ok) {
    return exit_trouble;
  }
  std::fprintf(stderr, "capturectl %s: %llu packets, %llu dropped because the reader was slow\n",
               command, static_cast<unsigned long long>(number_of(answer->values, "sent")),
               static_cast<unsigned long long>(number_of(answer->values, "dropped")));
  return exit_well;
}

int live(const std::vector<std::string>& arguments) {
  live_request request{.socket = daemon::usual_control_socket};
  std::vector<std::string> paths;
  option_list visible;
  visible.value("interface,i", request.interface, "only of this interface (default: all)")
      .value("output", request.output, "of an interface that is recorded into several outputs")
      .value("filter,f", request.filter, "only packets that match, in libpcap's syntax")
      .value("snaplen,s", request.snaplen, "at most so many octets of each packet")
      .value("socket", request.socket, "the control socket (default: /run/captured/control)");
  if (const auto status = parse_arguments(words, visible, arguments, paths, 0, 0)) {
    return *status;
  }
  if (::isatty(STDOUT_FILENO) == 1) {
    complain(words.name, "standard output is a terminal, and a capture is no text");
    return exit_usage;
  }
  return run_live(words.name, request, base::unique_fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)));
}

}  // namespace captured::capturectl
