// SPDX-License-Identifier: MIT
//
// Command line of the injector: one run for each interface, all pinned to one core and side by
// side, then a JSON object that says what was sent. SIGINT and SIGTERM end the runs early; what
// was sent until then is told all the same.
#include <atomic>
#include <csignal>
#include <ctime>
#include <iostream>
#include <optional>
#include <thread>

#include <boost/json.hpp>
#include <boost/program_options.hpp>
#include <sched.h>
#include <sys/syscall.h>

#include "injection.hpp"
#include "support/tool_options.hpp"

namespace {

namespace po = boost::program_options;
using captured::base::result;
using captured::bench::injection;
using captured::bench::injection_options;

constexpr int wake_signal = SIGUSR1;

struct run_of_interface {
  injection_options options;
  std::optional<injection> injected;
  std::optional<captured::base::failure> failed;
  std::thread thread;
};

po::variables_map parse(int argc, char** argv) {
  po::options_description options("inject --interface NAME [--interface NAME...]");
  auto add = options.add_options();
  add("help", "print this");
  add("interface", po::value<std::vector<std::string>>()->required(),
      "interface that receives; each gets a stream id of its own");
  add("size", po::value<std::string>()->default_value("64"), "octets, a list in turn, or 'mix'");
  add("rate", po::value<std::uint64_t>()->default_value(0), "frames/s of all together; 0: no pace");
  add("count", po::value<std::uint64_t>()->required(), "frames of all together");
  add("flows", po::value<std::uint32_t>()->default_value(64), "UDP source ports");
  add("ports", po::value<std::string>()->default_value("5001"), "UDP destination ports, in turn");
  add("first", po::value<std::uint64_t>()->default_value(0), "number of the first frame");
  add("stream", po::value<std::uint32_t>()->default_value(1), "stream id of the first interface");
  add("cpu", po::value<int>(), "core to run on");
  po::variables_map values;
  po::store(po::parse_command_line(argc, argv, options), values);
  if (values.count("help") != 0) {
    std::cout << options;
    std::exit(0);
  }
  po::notify(values);
  return values;
}

std::vector<run_of_interface> plan(const po::variables_map& values) {
  const auto& names = values["interface"].as<std::vector<std::string>>();
  const auto share = [&](const char* option, std::size_t i) {
    const auto total = values[option].as<std::uint64_t>();
    return total / names.size() + (i < total % names.size() ? 1 : 0);
  };
  std::vector<run_of_interface> runs(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    injection_options& options = runs[i].options;
    options.interface = names[i];
    options.stream = values["stream"].as<std::uint32_t>() + static_cast<std::uint32_t>(i);
    options.first_number = values["first"].as<std::uint64_t>();
    options.count = share("count", i);
    options.rate = share("rate", i);
    options.sizes = captured::traffic::parse_sizes(values["size"].as<std::string>(), 9999);
    options.ports = captured::traffic::parse_ports(values["ports"].as<std::string>());
    options.flow_count = values["flows"].as<std::uint32_t>();
  }
  return runs;
}

void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) {
    throw po::error("cannot run on core " + std::to_string(cpu));
  }
}

// Runs that share a core wait in the kernel without giving way; the shortest time slice that Linux
// grants (6.12 on, older ones refuse) keeps the bursts short in which they take turns.
void take_short_turns() {
  struct {  // struct sched_attr of linux/sched/types.h, which glibc 2.36 gets in the way of
    std::uint32_t size = 48;
    std::uint32_t policy = SCHED_OTHER;
    std::uint64_t flags = 0;
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime_ns = 100'000;
    std::uint64_t deadline_ns = 0;
    std::uint64_t period_ns = 0;
  } attributes;
  static_assert(sizeof attributes == 48);
  ::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

sigset_t signals(std::initializer_list<int> numbers) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : numbers) {
    sigaddset(&set, number);
  }
  return set;
}

// Returns whether a signal ended the runs early. The kernel looks for signals of the running
// thread only, so each is sent one, again and again, for it may come just before the call.
bool run_all(std::vector<run_of_interface>& runs) {
  struct sigaction wake {};
  wake.sa_handler = [](int) {};
  ::sigaction(wake_signal, &wake, nullptr);
  const sigset_t stop = signals({SIGINT, SIGTERM});
  ::pthread_sigmask(SIG_BLOCK, &stop, nullptr);

  std::atomic<std::size_t> running = runs.size();
  for (run_of_interface& run : runs) {
    run.thread = std::thread([&run, &running] {
      if (auto done = run.injected->run(); !done) {
        run.failed = done.error();
      }
      --running;
    });
  }
  bool interrupted = false;
  while (running != 0) {
    const timespec look_again{.tv_sec = 0, .tv_nsec = 20'000'000};
    interrupted |= ::sigtimedwait(&stop, nullptr, &look_again) > 0;
    for (run_of_interface& run : runs) {
      if (interrupted) {
        ::pthread_kill(run.thread.native_handle(), wake_signal);
      }
    }
  }
  for (run_of_interface& run : runs) {
    run.thread.join();
  }
  return interrupted;
}

boost::json::object report(const std::vector<run_of_interface>& runs) {
  boost::json::object interfaces;
  std::uint64_t sent = 0;
  for (const run_of_interface& run : runs) {
    const auto figures = run.injected->figures();
    sent += figures.frames;
    boost::json::object entry{
        {"stream", run.options.stream},
        {"first", run.options.first_number},
        {"sent", figures.frames},
        {"octets", figures.octets},
        {"seconds", figures.seconds},
        {"rate", figures.seconds > 0 ? static_cast<double>(figures.frames) / figures.seconds : 0},
        {"late_ms_max", figures.late_ms_max}};
    if (run.failed) {
      entry["error"] = run.failed->message();
    }
    interfaces[run.options.interface] = std::move(entry);
  }
  return {{"sent", sent}, {"interfaces", std::move(interfaces)}};
}

int inject(int argc, char** argv) {
  const auto values = parse(argc, argv);
  if (values.count("cpu") != 0) {
    pin_to(values["cpu"].as<int>());
  }
  take_short_turns();
  auto runs = plan(values);
  for (run_of_interface& run : runs) {
    auto prepared = injection::prepare(run.options);
    if (!prepared) {
      throw po::error(prepared.error().message());
    }
    run.injected = std::move(*prepared);
  }
  const bool interrupted = run_all(runs);
  auto said = report(runs);
  said["interrupted"] = interrupted;
  std::cout << said << std::endl;
  const auto failed = [](const run_of_interface& run) { return run.failed.has_value(); };
  return std::any_of(runs.begin(), runs.end(), failed) ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return inject(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "inject: " << error.what() << '\n';
    return 2;
  }
}
