// SPDX-License-Identifier: MIT
//
// Reads the files of a recording of numbered frames and tells as one JSON object what is in them
// and what is not: numbers missing, repeated or late, damaged content, wrong lengths, times that
// step back, losses that the files state and where, the last statistics, and every fault of
// structure. Independent of lib/format. It judges nothing beyond structure: the tests do.
#include <cerrno>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <boost/program_options.hpp>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "check/capture_walker.hpp"
#include "check/interface_account.hpp"
#include "support/tool_options.hpp"

namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;
namespace json = boost::json;
using namespace captured::check;  // NOLINT(google-build-using-namespace)

constexpr std::size_t errors_listed_max = 100;

/// Everything of one run; visits the files one after the other.
class recording_check final : public capture_visitor {
 public:
  explicit recording_check(account_options options) : options_(std::move(options)) {}

  void read(const fs::path& path, walk_options how);

  void on_section(const section_record& section) override {
    names_.clear();
    json::array comments(section.comments.begin(), section.comments.end());
    sections_.push_back({{"hardware", section.hardware},
                         {"os", section.os},
                         {"application", section.application},
                         {"comments", std::move(comments)}});
  }

  void on_interface(std::uint32_t id, const interface_record& interface) override {
    names_.push_back(interface.name);
    accounts_.try_emplace(interface.name, options_);
    json::object said{
        {"id", id},
        {"name", interface.name},
        {"description", interface.description},
        {"hardware", interface.hardware},
        {"os", interface.os},
        {"filter", interface.filter},
        {"mac", interface.mac},
        {"link_type", interface.link_type},
        {"snaplen", interface.snaplen},
        {"units_per_second", interface.units_per_second},
        {"comments", json::array(interface.comments.begin(), interface.comments.end())}};
    if (interface.speed) {
      said["speed"] = *interface.speed;
    }
    interfaces_.push_back(std::move(said));
  }

  void on_packet(const packet_record& packet) override {
    ++packets_;
    ++packets_in_file_[names_[packet.interface]];
    if (packet.time_ns < last_time_ns_) {
      ++steps_back_;
    }
    last_time_ns_ = packet.time_ns;
    accounts_.at(names_[packet.interface]).add(packet, file_);
  }

  void on_statistics(const statistics_record& statistics) override {
    ++statistics_in_file_[names_[statistics.interface]];
    accounts_.at(names_[statistics.interface]).add(statistics);
  }

  void on_other_block(std::uint32_t type) override { ++other_blocks_[type]; }

  void on_error(std::uint64_t offset, const std::string& what) override {
    if (error_count_++ < errors_listed_max) {
      errors_.push_back({{"file", file_}, {"offset", offset}, {"what", what}});
    }
  }

  [[nodiscard]] bool sound() const { return error_count_ == 0; }

  [[nodiscard]] json::object report() const {
    json::object interfaces;
    for (const auto& [name, account] : accounts_) {
      interfaces[name] = account.report();
    }
    json::object others;
    for (const auto& [type, times] : other_blocks_) {
      others[std::to_string(type)] = times;
    }
    return {{"packets", packets_},
            {"time_steps_back", steps_back_},
            {"interfaces", std::move(interfaces)},
            {"other_blocks", std::move(others)},
            {"error_count", error_count_},
            {"errors", errors_},
            {"files", files_}};
  }

 private:
  static json::object counts(const std::map<std::string, std::uint64_t>& of) {
    json::object said;
    for (const auto& [name, count] : of) {
      said[name] = count;
    }
    return said;
  }

  account_options options_;
  std::map<std::string, interface_account> accounts_;
  std::map<std::uint32_t, std::uint64_t> other_blocks_;
  std::uint64_t packets_ = 0;
  std::uint64_t last_time_ns_ = 0;
  std::uint64_t steps_back_ = 0;
  std::uint64_t error_count_ = 0;
  json::array errors_;
  json::array files_;

  // Of the current file or section.
  std::string file_;
  std::vector<std::string> names_;
  json::array sections_;
  json::array interfaces_;
  std::map<std::string, std::uint64_t> packets_in_file_;
  std::map<std::string, std::uint64_t> statistics_in_file_;
};

[[noreturn]] void fail(const fs::path& path) {
  throw po::error(captured::base::system_failure(errno, path.string()).message());
}

void recording_check::read(const fs::path& path, walk_options how) {
  file_ = path.filename();
  sections_.clear();
  interfaces_.clear();
  packets_in_file_.clear();
  statistics_in_file_.clear();
  const captured::base::unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) {
    fail(path);
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  std::uint64_t whole = 0;
  if (size != 0) {
    void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd.get(), 0);
    if (mapped == MAP_FAILED) {
      fail(path);
    }
    whole = walk_capture({static_cast<const std::uint8_t*>(mapped), size}, how, *this);
    ::munmap(mapped, size);
  } else if (!how.partial) {
    on_error(0, "the file is empty");
  }
  files_.push_back({{"name", file_},
                    {"octets", size},
                    {"whole_octets", whole},
                    {"sections", std::move(sections_)},
                    {"interfaces", std::move(interfaces_)},
                    {"packets", counts(packets_in_file_)},
                    {"statistics", counts(statistics_in_file_)}});
}

/// The number between the last '-' or '_' and the suffix, by which recorders count their files.
std::uint64_t sequence_of(const fs::path& path) {
  const std::string stem = path.stem().stem();
  const auto digits = stem.find_last_not_of("0123456789") + 1;
  std::uint64_t sequence = 0;
  std::from_chars(stem.data() + digits, stem.data() + stem.size(), sequence);
  return sequence;
}

bool is_partial(const fs::path& path) {
  return path.extension() == ".part";
}

std::vector<fs::path> files_of(const fs::path& folder, bool with_partial) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path& path = entry.path();
    const bool wanted = path.extension() == ".pcapng" || path.extension() == ".pcap" ||
                        (with_partial && is_partial(path));
    if (entry.is_regular_file() && wanted) {
      files.push_back(path);
    }
  }
  std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) {
    return std::pair(sequence_of(a), a) < std::pair(sequence_of(b), b);
  });
  return files;
}

po::variables_map parse(int argc, char** argv) {
  po::options_description options("check_frames [OPTION...] FILE|FOLDER...");
  auto add = options.add_options();
  add("help", "print this");
  add("path", po::value<std::vector<std::string>>()->required(),
      "files, in this order, or folders");
  add("ports", po::value<std::string>(), "ports as the sender was given them");
  add("selected", po::value<std::string>(), "those of them that the filter lets through");
  add("first", po::value<std::uint64_t>(), "first number that was sent; with --count");
  add("count", po::value<std::uint64_t>(), "how many were sent");
  add("partial", "take .part files too, and let them end anywhere");
  add("no-content", "do not look at the payload beyond the number");
  add("gaps", po::value<std::size_t>()->default_value(1000), "list no more gaps than this");
  po::positional_options_description positions;
  positions.add("path", -1);
  po::variables_map values;
  po::store(po::command_line_parser(argc, argv).options(options).positional(positions).run(),
            values);
  if (values.count("help") != 0) {
    std::cout << options;
    std::exit(0);
  }
  po::notify(values);
  if (values.count("ports") != values.count("selected") ||
      values.count("first") != values.count("count")) {
    throw po::error("--ports and --selected, --first and --count go together");
  }
  return values;
}

account_options options_from(const po::variables_map& values) {
  account_options options;
  if (values.count("ports") != 0) {
    options.selection =
        number_selection(captured::traffic::parse_ports(values["ports"].as<std::string>()),
                         captured::traffic::parse_ports(values["selected"].as<std::string>()));
    if (options.selection.rank(65536) == 0) {
      throw po::error("none of the selected ports is among the ports");
    }
  }
  if (values.count("first") != 0) {
    options.expected.emplace(values["first"].as<std::uint64_t>(),
                             values["count"].as<std::uint64_t>());
  }
  options.check_content = values.count("no-content") == 0;
  options.gaps_listed_max = values["gaps"].as<std::size_t>();
  return options;
}

int check_frames(int argc, char** argv) {
  const auto values = parse(argc, argv);
  const bool with_partial = values.count("partial") != 0;
  recording_check check(options_from(values));
  for (const fs::path path : values["path"].as<std::vector<std::string>>()) {
    const auto files =
        fs::is_directory(path) ? files_of(path, with_partial) : std::vector<fs::path>{path};
    for (const fs::path& file : files) {
      check.read(file, {.partial = with_partial && is_partial(file)});
    }
  }
  std::cout << check.report() << std::endl;
  return check.sound() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return check_frames(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "check_frames: " << error.what() << '\n';
    return 2;
  }
}
