// SPDX-License-Identifier: MIT
#include "daemon/command_line.hpp"

#include <array>
#include <sstream>
#include <utility>

#include <boost/program_options.hpp>

namespace captured::daemon {

namespace {

namespace po = boost::program_options;

po::options_description describe_options() {
  po::options_description what("What to record, without a configuration file");
  what.add_options()  //
      ("interface,i", po::value<std::vector<std::string>>()->value_name("NAME"),
       "record this interface; may be given several times")  //
      ("filter,f", po::value<std::string>()->value_name("FILTER"),
       "keep only what the filter accepts, pcap-filter(7) syntax")  //
      ("directory,d", po::value<std::string>()->value_name("DIR"),
       "put the files there (default: the current folder)")  //
      ("snaplen,s", po::value<std::string>()->value_name("OCTETS"),
       "keep at most this much of each packet (default: 262144)")            //
      ("no-promiscuous,p", "take only what the interface takes for itself")  //
      ("ring-size", po::value<std::string>()->value_name("SIZE"),
       "kernel memory for each interface (default: 64MiB)")  //
      ("rotate-size", po::value<std::string>()->value_name("SIZE"),
       "begin a new file at this size (default: 1GiB)")  //
      ("rotate-interval", po::value<std::string>()->value_name("TIME"),
       "begin a new file at multiples of this (default: 5min)");
  po::options_description config("With a configuration file");
  config.add_options()  //
      ("config", po::value<std::string>()->value_name("FILE"), "read the configuration from FILE")
      // check-config names its file itself, as in --check-config /etc/captured.yaml
      ("check-config", po::value<std::string>()->value_name("FILE"),
       "check FILE, list every error, and exit")  //
      ("print-config", "print the effective configuration and exit");
  po::options_description running("While it runs");
  running.add_options()  //
      ("user", po::value<std::string>()->value_name("NAME"),
       "started as root: become this user, and keep only the right to capture")  //
      ("duration", po::value<std::string>()->value_name("TIME"),
       "stop after this many seconds, or 90s, 5min, 2h")  //
      ("live", "show a status line each second")          //
      ("ledger-json", po::value<std::string>()->value_name("FILE"),
       "write the ledger to FILE at the end")  //
      ("log-level", po::value<std::string>()->value_name("LEVEL"),
       "trace, debug, info, warning or error")  //
      ("log-format", po::value<std::string>()->value_name("FORMAT"), "text or json");
  po::options_description rest("Other");
  rest.add_options()("help,h", "print this help and exit")("version", "print the version and exit");
  po::options_description all;
  all.add(what).add(config).add(running).add(rest);
  return all;
}

template <class T>
void take(const po::variables_map& given, const char* name, T& into) {
  if (given.count(name) > 0) {
    into = given[name].as<T>();
  }
}

template <class T>
void take(const po::variables_map& given, const char* name, std::optional<T>& into) {
  if (given.count(name) > 0) {
    into = given[name].as<T>();
  }
}

constexpr std::array levels{std::pair{"trace", settings::log_level::trace},
                            std::pair{"debug", settings::log_level::debug},
                            std::pair{"info", settings::log_level::info},
                            std::pair{"warning", settings::log_level::warning},
                            std::pair{"error", settings::log_level::error}};
constexpr std::array formats{std::pair{"text", settings::log_format::text},
                             std::pair{"json", settings::log_format::json}};

template <class T, class Choices>
std::optional<T> choose(const po::variables_map& given, const char* name, const Choices& choices) {
  std::string word;
  take(given, name, word);
  for (const auto& [text, value] : choices) {
    if (word == text) {
      return value;
    }
  }
  if (given.count(name) > 0) {
    throw po::error("'" + word + "' is no value for --" + name);
  }
  return std::nullopt;
}

command_line read_values(const po::variables_map& given) {
  command_line line;
  take(given, "interface", line.quick.interfaces);
  take(given, "filter", line.quick.filter);
  take(given, "directory", line.quick.directory);
  take(given, "snaplen", line.quick.snaplen);
  take(given, "ring-size", line.quick.ring_size);
  take(given, "rotate-size", line.quick.rotate_size);
  take(given, "rotate-interval", line.quick.rotate_interval);
  take(given, "duration", line.quick.duration);
  take(given, "user", line.quick.user);
  line.quick.promiscuous = given.count("no-promiscuous") == 0;
  take(given, "config", line.configuration_file);
  line.log_level = choose<settings::log_level>(given, "log-level", levels);
  line.log_format = choose<settings::log_format>(given, "log-format", formats);
  take(given, "ledger-json", line.ledger_file);
  line.live = given.count("live") > 0;
  return line;
}

/// The first contradiction, in words; empty when there is none.
std::string contradiction(const po::variables_map& given) {
  if (given.count("config") > 0) {
    for (const char* quick : {"interface", "filter", "directory", "snaplen", "no-promiscuous",
                              "ring-size", "rotate-size", "rotate-interval"}) {
      if (given.count(quick) > 0) {
        return std::string("--config and --") + quick + " exclude each other";
      }
    }
    return {};
  }
  return given.count("interface") > 0 || given.count("print-config") > 0
             ? std::string()
             : "give --interface or --config; --help tells more";
}

}  // namespace

base::result<command_line> parse_command_line(int count, const char* const* words) {
  po::variables_map given;
  try {
    const po::options_description all = describe_options();
    po::store(po::command_line_parser(count, words)
                  .options(all)
                  .positional(po::positional_options_description())
                  .run(),
              given);
  } catch (const po::error& error) {
    return base::invalid_input("captured", error.what());
  }
  command_line line;
  try {
    line = read_values(given);
  } catch (const po::error& error) {
    return base::invalid_input("captured", error.what());
  }
  if (given.count("help") > 0) {
    line.what = command_line::act::print_help;
    return line;
  }
  if (given.count("version") > 0) {
    line.what = command_line::act::print_version;
    return line;
  }
  if (given.count("check-config") > 0) {
    line.what = command_line::act::check_configuration;
    line.configuration_file = given["check-config"].as<std::string>();
    return line;
  }
  if (const std::string why = contradiction(given); !why.empty()) {
    return base::invalid_input("captured", why);
  }
  if (given.count("print-config") > 0) {
    line.what = command_line::act::print_configuration;
  }
  return line;
}

std::string help_text() {
  std::ostringstream text;
  text << R"(captured records network interfaces into pcapng files and accounts for every packet.

By hand:
  captured -i eth0 -d /tmp/captures --live     one interface, until ^C; then read the files
                                               with wireshark, tshark or tcpdump
  captured -i eth0 -i eth1 -f 'not port 22'    two, without one's own session, into this folder
  captured -i 'eth*' -s 128 --rotate-interval 1h --duration 1d
                                               the headers of a day, a file for each hour
As a service:
  captured --print-config > captured.yaml      every key, its default, and what it is for
  captured --check-config captured.yaml        what is wrong with it, and what will disappoint
  captured --config captured.yaml              record as it says

Sizes take KiB MiB GiB TiB kB MB GB, times ms s min h d, filters the syntax of pcap-filter(7).
SIGHUP begins new files, SIGUSR1 logs the ledger, SIGINT and SIGTERM stop without loss.
)" << describe_options()
       << R"(
Exit status: 0 all well, 1 something required failed or packets stayed unwritten,
2 wrong options or configuration. captured(8) and captured.yaml(5) have the rest.
)";
  return text.str();
}

}  // namespace captured::daemon
