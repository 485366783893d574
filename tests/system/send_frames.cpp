// SPDX-License-Identifier: MIT
//
// Sends numbered frames (numbered_frame.h) through packet sockets: exact frames at slow and medium
// pace, up to about half a million a second, with VLAN tags, chosen addresses and sizes. With
// several interfaces each number goes to each of them, in turn, from one thread. For more frames
// than that there is the injector. Prints a JSON object with what was really sent.
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <boost/json.hpp>
#include <boost/program_options.hpp>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "support/frame_builder.hpp"
#include "support/tool_options.hpp"

namespace {

namespace po = boost::program_options;
namespace traffic = captured::traffic;
using std::chrono::nanoseconds;
using clock_type = std::chrono::steady_clock;

constexpr std::size_t batch_max = 64;             // frames in one system call
constexpr std::uint64_t wakes_per_second = 1000;  // at slow paces a batch is what is due then

volatile std::sig_atomic_t stop_asked = 0;

struct plan {
  std::vector<std::string> interfaces;
  std::vector<traffic::frame_shape> shapes;  // one for each size, taken in turn
  std::vector<std::uint16_t> ports;
  std::uint32_t stream = 1;
  std::uint32_t flow_count = 1;
  std::uint64_t first_number = 0;
  std::uint64_t count = 0;
  std::uint64_t rate = 0;  // numbers per second, each to every interface
};

po::variables_map parse(int argc, char** argv) {
  po::options_description options("send_frames --interface NAME [--interface NAME...]");
  auto add = options.add_options();
  add("help", "print this");
  add("interface", po::value<std::vector<std::string>>()->required(),
      "interface to send on; each gets a stream id of its own");
  add("size", po::value<std::string>()->default_value("64"), "octets, a list in turn, or 'mix'");
  add("rate", po::value<std::uint64_t>()->default_value(0), "numbers per second; 0: no pace");
  add("count", po::value<std::uint64_t>()->required(), "numbers to send on each interface");
  add("first", po::value<std::uint64_t>()->default_value(0), "number of the first frame");
  add("stream", po::value<std::uint32_t>()->default_value(1), "stream id of the first interface");
  add("flows", po::value<std::uint32_t>()->default_value(1), "UDP source ports");
  add("ports", po::value<std::string>()->default_value("5001"), "UDP destination ports, in turn");
  add("vlan", po::value<std::vector<std::string>>(),
      "tag as TPID:PRIORITY:ID, such as 0x88a8:3:100; twice for two, the outer first");
  add("to", po::value<std::string>()->default_value("02:00:00:00:00:02"), "destination MAC");
  add("from", po::value<std::string>()->default_value("02:00:00:00:00:01"), "source MAC");
  po::variables_map values;
  po::store(po::parse_command_line(argc, argv, options), values);
  if (values.count("help") != 0) {
    std::cout << options;
    std::exit(0);
  }
  po::notify(values);
  return values;
}

traffic::vlan_tag parse_tag(const std::string& text) {
  const auto parts = traffic::split(text, ':');
  if (parts.size() != 3 || !parts[0].starts_with("0x")) {
    traffic::refuse(text, "a tag such as 0x8100:0:100");
  }
  const auto tpid = traffic::parse_number(std::string_view(parts[0]).substr(2), 0xffff, 16);
  const auto priority = traffic::parse_number(parts[1], 7);
  const auto id = traffic::parse_number(parts[2], 4095);
  return {.tpid = static_cast<std::uint16_t>(tpid),
          .tci = static_cast<std::uint16_t>(priority << 13 | id)};
}

plan make_plan(const po::variables_map& values) {
  plan made;
  made.interfaces = values["interface"].as<std::vector<std::string>>();
  made.ports = traffic::parse_ports(values["ports"].as<std::string>());
  made.stream = values["stream"].as<std::uint32_t>();
  made.flow_count = values["flows"].as<std::uint32_t>();
  made.first_number = values["first"].as<std::uint64_t>();
  made.count = values["count"].as<std::uint64_t>();
  made.rate = values["rate"].as<std::uint64_t>();
  traffic::frame_shape shape;
  shape.destination = traffic::parse_mac(values["to"].as<std::string>());
  shape.source = traffic::parse_mac(values["from"].as<std::string>());
  if (values.count("vlan") != 0) {
    for (const std::string& text : values["vlan"].as<std::vector<std::string>>()) {
      shape.tags.push_back(parse_tag(text));
    }
  }
  for (const std::uint16_t size : traffic::parse_sizes(values["size"].as<std::string>(), 65000)) {
    shape.frame_bytes = size;
    if (size < traffic::frame_bytes_min(shape)) {
      throw po::error("a frame of " + std::to_string(size) + " octets is too short");
    }
    made.shapes.push_back(shape);
  }
  if (made.shapes.empty() || made.ports.empty() || made.flow_count == 0 || shape.tags.size() > 2) {
    throw po::error("no sizes, ports or flows, or more than two tags");
  }
  return made;
}

[[noreturn]] void fail(const std::string& what) {
  throw po::error(captured::base::system_failure(errno, what).message());
}

/// Frames that the device threw away after the call had succeeded or failed.
std::uint64_t device_drops(const std::string& interface) {
  std::ifstream file("/sys/class/net/" + interface + "/statistics/tx_dropped");
  std::uint64_t drops = 0;
  file >> drops;
  return drops;
}

/// One interface: its socket, and room for the frames of a batch.
class sender {
 public:
  sender(const plan& what, std::string interface, std::uint32_t stream)
      : plan_(what), interface_(std::move(interface)), shapes_(what.shapes) {
    for (auto& shape : shapes_) {
      shape.stream = stream;
      templates_.push_back(traffic::make_frame(shape));
    }
    socket_.reset(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_IP);
    address.sll_ifindex = static_cast<int>(::if_nametoindex(interface_.c_str()));
    if (!socket_ || address.sll_ifindex == 0 ||
        ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      fail("interface " + interface_);
    }
    drops_before_ = device_drops(interface_);
  }

  /// Sends `count` numbers beginning with `number`, all of them: what the receiving side has no
  /// room for (ENOBUFS) is offered again.
  void send(std::uint64_t number, std::size_t count) {
    std::array<iovec, batch_max> vectors{};
    std::array<mmsghdr, batch_max> messages{};
    for (std::size_t i = 0; i < count; ++i) {
      auto& frame = batch_[i];
      prepare(frame, number + i);
      vectors[i] = {.iov_base = frame.data(), .iov_len = frame.size()};
      messages[i].msg_hdr.msg_iov = &vectors[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    for (std::size_t done = 0; done < count;) {
      const int sent =
          ::sendmmsg(socket_.get(), &messages[done], static_cast<unsigned>(count - done), 0);
      if (sent > 0) {
        done += static_cast<std::size_t>(sent);
      } else if (errno == ENOBUFS) {
        ++offered_again_;
      } else if (errno != EINTR) {
        fail("send on " + interface_);
      }
    }
    sent_ += count;
  }

  [[nodiscard]] const std::string& interface() const { return interface_; }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  [[nodiscard]] std::uint64_t offered_again() const { return offered_again_; }
  [[nodiscard]] std::uint32_t stream() const { return shapes_.front().stream; }
  /// Frames that were lost behind our back; none is meant to be.
  [[nodiscard]] std::uint64_t lost() const {
    const std::uint64_t drops = device_drops(interface_) - drops_before_;
    return drops > offered_again_ ? drops - offered_again_ : 0;
  }

 private:
  void prepare(std::vector<std::uint8_t>& frame, std::uint64_t number) {
    const std::size_t which = number % shapes_.size();
    frame = templates_[which];
    traffic::stamp_frame(frame, shapes_[which],
                         {.number = number,
                          .source_port = static_cast<std::uint16_t>(numbered_source_port_min +
                                                                    number % plan_.flow_count),
                          .destination_port = plan_.ports[number % plan_.ports.size()]});
  }

  const plan& plan_;
  std::string interface_;
  std::vector<traffic::frame_shape> shapes_;
  std::vector<std::vector<std::uint8_t>> templates_;
  std::array<std::vector<std::uint8_t>, batch_max> batch_;
  captured::base::unique_fd socket_;
  std::uint64_t sent_ = 0;
  std::uint64_t offered_again_ = 0;
  std::uint64_t drops_before_ = 0;
};

void sleep_until(clock_type::time_point when) {
  const auto since = when.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  const timespec due{.tv_sec = seconds.count(), .tv_nsec = nanoseconds(since - seconds).count()};
  ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, nullptr);
}

double send_all(const plan& what, std::vector<sender>& senders) {
  const std::size_t batch =
      what.rate == 0 ? batch_max
                     : std::clamp<std::uint64_t>(what.rate / wakes_per_second, 1, batch_max);
  const auto started = clock_type::now();
  for (std::uint64_t done = 0; done < what.count && stop_asked == 0;) {
    if (what.rate != 0) {
      const double due_ns = static_cast<double>(done) * 1e9 / static_cast<double>(what.rate);
      sleep_until(started + nanoseconds(static_cast<std::int64_t>(due_ns)));
      if (stop_asked != 0) {
        break;
      }
    }
    const std::size_t now = std::min<std::uint64_t>(batch, what.count - done);
    for (sender& to : senders) {
      to.send(what.first_number + done, now);
    }
    done += now;
  }
  return std::chrono::duration<double>(clock_type::now() - started).count();
}

int send_frames(int argc, char** argv) {
  const plan what = make_plan(parse(argc, argv));
  struct sigaction action {};
  action.sa_handler = [](int) { stop_asked = 1; };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::prctl(PR_SET_TIMERSLACK, 1);

  std::vector<sender> senders;
  senders.reserve(what.interfaces.size());
  for (const std::string& name : what.interfaces) {
    senders.emplace_back(what, name, what.stream + static_cast<std::uint32_t>(senders.size()));
  }
  const double seconds = send_all(what, senders);

  boost::json::object interfaces;
  std::uint64_t sent = 0;
  std::uint64_t lost = 0;
  for (const sender& from : senders) {
    sent += from.sent();
    lost += from.lost();
    interfaces[from.interface()] = {{"stream", from.stream()},
                                    {"first", what.first_number},
                                    {"sent", from.sent()},
                                    {"offered_again", from.offered_again()},
                                    {"lost", from.lost()}};
  }
  const boost::json::object said{{"sent", sent},
                                 {"seconds", seconds},
                                 {"interrupted", stop_asked != 0},
                                 {"interfaces", std::move(interfaces)}};
  std::cout << said << std::endl;
  return lost == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return send_frames(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "send_frames: " << error.what() << '\n';
    return 2;
  }
}
