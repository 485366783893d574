// SPDX-License-Identifier: MIT
//
// What Wireshark and tshark ask of a program in their extcap folder (doc/extcap.4 of Wireshark):
// which interfaces there are, their link types and options, and a capture into a fifo. The program
// there is a link to capturectl by the name captured-extcap.
#include <algorithm>
#include <cerrno>
#include <cstdio>

#include <boost/json.hpp>
#include <fcntl.h>

#include "capturectl.hpp"
#include "capturectl_arguments.hpp"
#include "capturectl_live.hpp"
#include "daemon/control_client.hpp"

namespace captured::capturectl {
namespace {

namespace json = boost::json;

constexpr auto answer_time = std::chrono::seconds(5);
constexpr std::string_view prefix = "captured-";  // of names, which must differ from the system's
constexpr std::string_view everything = "captured";

constexpr command_words words{
    "extcap", "[options]",
    "Is called by Wireshark and tshark, not by people: lists the interfaces that the running\n"
    "captured records, and captures from one of them into a fifo.\n",
    "  tshark -i captured-eth0\n"};

struct extcap_options {
  bool interfaces = false;
  bool dlts = false;
  bool config = false;
  bool capture = false;
  std::string version;
  std::string interface;
  std::string fifo;
  std::string capture_filter;
  live_request live{.socket = daemon::usual_control_socket};
};

struct listed_interface {
  std::string name;
  std::string link_type;
};

/// Each name once; none when nobody answers, for Wireshark asks at each of its starts.
std::vector<listed_interface> ask_interfaces(const std::string& socket) {
  std::vector<listed_interface> made;
  const auto answer = daemon::ask_daemon(socket, {{"request", "status"}}, answer_time);
  if (!answer || !answer->ok) {
    return made;
  }
  try {
    for (const json::value& each : answer->values.at("status").at("interfaces").as_array()) {
      listed_interface one{std::string(each.at("name").as_string()),
                           std::string(each.at("link_type").as_string())};
      if (each.at("state").as_string() == "recording" &&
          std::none_of(made.begin(), made.end(),
                       [&one](const listed_interface& other) { return other.name == one.name; })) {
        made.push_back(std::move(one));
      }
    }
  } catch (const std::exception&) {
    return made;  // of another version: what was understood
  }
  return made;
}

void list_interfaces(const std::vector<listed_interface>& found) {
  std::puts("extcap {version=" CAPTURED_VERSION "}{display=captured, the packet recorder}");
  if (!found.empty()) {
    std::printf("interface {value=%s}{display=captured: all interfaces that are recorded}\n",
                everything.data());
  }
  for (const listed_interface& each : found) {
    std::printf("interface {value=%s%s}{display=captured: %s}\n", prefix.data(), each.name.c_str(),
                each.name.c_str());
  }
}

/// Each packet carries its own interface and so its link type; this is for Wireshark's check of
/// capture filters.
void list_link_types(const std::vector<listed_interface>& found, const std::string& wanted) {
  const char* line = "dlt {number=1}{name=EN10MB}{display=Ethernet}";
  for (const listed_interface& each : found) {
    if (each.name == wanted && each.link_type == "raw") {
      line = "dlt {number=12}{name=RAW}{display=Raw IP}";
    } else if (each.name == wanted && each.link_type == "cooked") {
      line = "dlt {number=113}{name=LINUX_SLL}{display=Linux cooked v1}";
    }
  }
  std::puts(line);
}

void list_options(const live_request& defaults) {
  std::puts(
      "arg {number=0}{call=--filter}{display=Filter}{type=string}{tooltip=Only packets that match, "
      "in libpcap's syntax; what the recording's own filter rejects is never "
      "there}{group=Packets}");
  std::printf(
      "arg {number=1}{call=--snaplen}{display=Octets of each packet}{type=unsigned}"
      "{range=1,262144}{default=%u}{tooltip=At most so many octets of each packet}"
      "{group=Packets}\n",
      defaults.snaplen);
  std::printf(
      "arg {number=2}{call=--socket}{display=Control socket}{type=string}{default=%s}"
      "{tooltip=Where the running captured answers}{group=Service}\n",
      defaults.socket.c_str());
}

/// The name of the interface as the service knows it; empty for all.
std::string plain_name(const std::string& interface) {
  return interface.starts_with(prefix) ? interface.substr(prefix.size()) : std::string();
}

int capture_into(const extcap_options& options) {
  if (options.fifo.empty()) {
    complain(words.name, "--capture needs --fifo");
    return exit_usage;
  }
  live_request request = options.live;
  request.interface = plain_name(options.interface);
  if (request.filter.empty()) {
    request.filter = options.capture_filter;
  } else if (!options.capture_filter.empty()) {
    request.filter = "(" + request.filter + ") and (" + options.capture_filter + ")";
  }
  const base::unique_fd fifo(::open(options.fifo.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fifo) {
    complain(words.name, base::system_failure(errno, "open " + options.fifo).message());
    return exit_trouble;
  }
  return run_live(words.name, request, fifo);
}

}  // namespace

int extcap(const std::vector<std::string>& arguments) {
  extcap_options options;
  std::vector<std::string> paths;
  option_list visible;
  visible.flag("extcap-interfaces", options.interfaces, "list the interfaces")
      .flag("extcap-dlts", options.dlts, "list the link types of an interface")
      .flag("extcap-config", options.config, "list the options of an interface")
      .flag("capture", options.capture, "capture into --fifo until a signal comes")
      .value("extcap-version", options.version, "Wireshark's own version")
      .value("extcap-interface", options.interface, "which interface")
      .value("extcap-capture-filter", options.capture_filter, "the filter of Wireshark's own field")
      .value("fifo", options.fifo, "where the packets go")
      .value("filter,f", options.live.filter, "only packets that match, in libpcap's syntax")
      .value("snaplen,s", options.live.snaplen, "at most so many octets of each packet")
      .value("socket", options.live.socket, "the control socket (default: /run/captured/control)");
  if (const auto status = parse_arguments(words, visible, arguments, paths, 0, 0)) {
    return *status;
  }
  if (options.capture) {
    return capture_into(options);
  }
  if (options.interfaces) {
    list_interfaces(ask_interfaces(options.live.socket));
  } else if (options.dlts) {
    list_link_types(ask_interfaces(options.live.socket), plain_name(options.interface));
  } else if (options.config) {
    list_options(options.live);
  } else if (!options.capture_filter.empty()) {
    return exit_well;  // a check of the filter: the service itself refuses one that is wrong
  } else {
    complain(words.name, "it is called by Wireshark; see capturectl live");
    return exit_usage;
  }
  return exit_well;
}

}  // namespace captured::capturectl
