// SPDX-License-Identifier: MIT
#include "daemon/kept_rings.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <set>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

#include "daemon/logging.hpp"

namespace captured::daemon {

namespace {

constexpr std::string_view name_begin = "ring-";
constexpr char separator = '@';
constexpr std::size_t queue_digits_max = 4;
constexpr std::uint64_t descriptors_of_ring = 2;

/// A manager that is busy for longer lets go of a ring too late, which does no harm but with rings
/// of half the memory.
constexpr std::chrono::seconds longest_answer{1};

bool is_plain(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

std::string escaped(const std::string& text) {
  std::string plain;
  for (const char c : text) {
    plain +=
        is_plain(c) ? std::string(1, c) : fmt::format("%{:02x}", static_cast<unsigned char>(c));
  }
  return plain;
}

std::string unescaped(const std::string& plain) {
  std::string text;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    if (plain[i] == '%' && i + 2 < plain.size()) {
      text += static_cast<char>(std::strtoul(plain.substr(i + 1, 2).c_str(), nullptr, 16));
      i += 2;
    } else {
      text += plain[i];
    }
  }
  return text;
}

bool is_socket(const base::unique_fd& fd) {
  struct stat about {};
  return ::fstat(fd.get(), &about) == 0 && S_ISSOCK(about.st_mode);
}

}  // namespace

std::string store_name(const stored_ring& ring) {
  return std::string(name_begin) + escaped(ring.interface) + separator + escaped(ring.output) +
         separator + std::to_string(ring.queue);
}

std::optional<stored_ring> parse_store_name(const std::string& name) {
  const auto output = name.find(separator);
  const auto queue = name.rfind(separator);
  if (!name.starts_with(name_begin) || output == queue) {
    return std::nullopt;
  }
  const std::string digits = name.substr(queue + 1);
  if (digits.empty() || digits.size() > queue_digits_max ||
      digits.find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  return stored_ring{
      .interface = unescaped(name.substr(name_begin.size(), output - name_begin.size())),
      .output = unescaped(name.substr(output + 1, queue - output - 1)),
      .queue = static_cast<std::uint32_t>(std::stoul(digits))};
}

capture::dealt_with left_rings::progress() const {
  capture::dealt_with sum;
  for (const capture::left_ring& one : rings) {
    sum.packets_total += one.journal.progress().packets_total;
    sum.losses_told += one.journal.progress().losses_told;
  }
  return sum;
}

kept_rings::kept_rings(service_notify& notify, bool wanted)
    : notify_(notify), is_active_(wanted && notify.keeps_descriptors()) {
  if (wanted && !notify.contradiction().empty()) {
    log_line(log_level::warning, {}, "{}", notify.contradiction());
  }
  std::map<user, std::vector<descriptors>> found;
  for (auto& one : notify.take_kept()) {
    const auto of = parse_store_name(one.name);
    if (!of) {
      continue;
    }
    auto& rings = found[{of->interface, of->output}];
    rings.resize(std::max<std::size_t>(rings.size(), of->queue + 1));
    rings[of->queue].push_back(std::move(one.fd));
  }
  for (auto& [whose, rings] : found) {
    stored_.emplace(whose, static_cast<std::uint32_t>(rings.size()));
    take_up(whose, std::move(rings));
  }
  if (!is_active_) {
    close_unwanted([](const auto&, const auto&) { return false; });
  }
}

void kept_rings::take_up(const user& whose, std::vector<descriptors> rings) {
  left_rings left;
  std::string wrong;
  for (descriptors& parts : rings) {
    const auto socket = std::ranges::find_if(parts, is_socket);
    const auto memory = std::ranges::find_if(parts, [](const auto& fd) { return !is_socket(fd); });
    if (socket == parts.end() || memory == parts.end()) {
      wrong = "what the manager has of it is not whole";
      break;
    }
    auto journal = capture::ring_journal::take_over(std::move(*memory));
    if (!journal) {
      wrong = journal.error().message();
      break;
    }
    left.rings.push_back({std::move(*socket), std::move(*journal)});
  }
  if (wrong.empty() && left.rings.front().journal.make_of_ring().queues != rings.size()) {
    wrong = "some of its queues are not there";
  }
  if (!wrong.empty()) {
    log_line(log_level::error, {{"interface", whose.interface}, {"output", whose.output}},
             "{}; the ring that the life before left is closed", wrong);
    return forget(whose.interface, whose.output);
  }
  left_.emplace(whose, std::move(left));
}

std::vector<std::string> kept_rings::recordings() const {
  std::set<std::string> all;
  for (const auto& [whose, left] : left_) {
    all.insert(left.recording());
  }
  for (const auto& [whose, recording] : taken_) {
    all.insert(recording);
  }
  return {all.begin(), all.end()};
}

std::optional<left_rings> kept_rings::take(const std::string& interface,
                                           const std::string& output) {
  auto node = left_.extract(user{interface, output});
  if (node.empty()) {
    return std::nullopt;
  }
  taken_[node.key()] = node.mapped().recording();
  return std::move(node.mapped());
}

void kept_rings::close_unwanted(
    const std::function<bool(const std::string& interface, const std::string& output)>& is_wanted) {
  for (auto at = left_.begin(); at != left_.end();) {
    const user whose = at->first;
    if (is_wanted(whose.interface, whose.output)) {
      ++at;
      continue;
    }
    log_line(log_level::warning, {{"interface", whose.interface}, {"output", whose.output}},
             "the ring that the life before left is not wanted any more; {} packets that waited in "
             "it, or were lost before it, are not recorded",
             count_waiting(at->second, {}));
    forget(whose.interface, whose.output);
    at = left_.erase(at);
  }
}

void kept_rings::give_back(const std::string& interface, const std::string& output,
                           left_rings rings) {
  taken_.erase({interface, output});
  left_.emplace(user{interface, output}, std::move(rings));
}

namespace {

base::result<left_rings> have_twice(capture::ring_group& rings) {
  left_rings left;
  for (const auto& one : rings.rings()) {
    auto journal = capture::ring_journal::take_over(
        base::unique_fd(::fcntl(one->journal()->fd(), F_DUPFD_CLOEXEC, 0)));
    if (!journal) {
      return journal.error();
    }
    base::unique_fd socket(::fcntl(one->fd(), F_DUPFD_CLOEXEC, 0));
    if (!socket) {
      return base::system_failure(errno, "duplicate the socket of a ring");
    }
    left.rings.push_back({std::move(socket), std::move(*journal)});
  }
  return left;
}

}  // namespace

void kept_rings::leave(const std::string& interface, const std::string& output,
                       capture::ring_group& rings) {
  auto left = have_twice(rings);
  if (left) {
    return give_back(interface, output, std::move(*left));
  }
  log_line(log_level::error, {{"interface", interface}, {"output", output}},
           "{}: the ring that waits for its output is closed, and what it has is not recorded",
           left.error().message());
  forget(interface, output);
}

std::function<void()> kept_rings::giving_up(const std::string& interface,
                                            const std::string& output) const {
  const auto at = stored_.find({interface, output});
  const std::uint32_t queues = at == stored_.end() ? 0 : at->second;
  return [&notify = notify_, interface, output, queues] {
    for (std::uint32_t queue = 0; queue < queues; ++queue) {
      notify.forget(store_name({interface, output, queue}));
    }
    notify.wait_until_heard(longest_answer);
  };
}

bool kept_rings::has_room(const user& whose, std::uint32_t queues) const {
  std::uint64_t all = queues;
  for (const auto& [other, its] : stored_) {
    all += other == whose ? 0 : its;
  }
  return all * descriptors_of_ring <= notify_.descriptors_max();
}

base::result<> kept_rings::keep(const std::string& interface, const std::string& output,
                                capture::ring_group& rings) {
  if (!has_room({interface, output}, rings.queue_count())) {
    forget(interface, output);
    return base::invalid_input("have the ring of " + interface + " kept",
                               "the service manager keeps no more than " +
                                   std::to_string(notify_.descriptors_max()) +
                                   " descriptors (FileDescriptorStoreMax=), two for each ring");
  }
  taken_.erase({interface, output});
  stored_[{interface, output}] = rings.queue_count();
  for (std::uint32_t queue = 0; queue < rings.queue_count(); ++queue) {
    capture::packet_ring& ring = *rings.rings()[queue];
    const std::array<int, 2> both{ring.fd(), ring.journal()->fd()};
    if (const auto kept = notify_.keep(store_name({interface, output, queue}), both); !kept) {
      forget(interface, output);
      return kept;
    }
  }
  return {};
}

void kept_rings::forget(const std::string& interface, const std::string& output) {
  taken_.erase({interface, output});
  const auto node = stored_.extract(user{interface, output});
  for (std::uint32_t queue = 0; !node.empty() && queue < node.mapped(); ++queue) {
    notify_.forget(store_name({interface, output, queue}));
  }
}

void kept_rings::forget_all() {
  close_unwanted([](const auto&, const auto&) { return false; });
  while (!stored_.empty()) {
    const user whose = stored_.begin()->first;
    forget(whose.interface, whose.output);
  }
}

namespace {

/// FNV-1a. What is left out besides is not in it: that follows the connections of streams, and
/// packets that wait do not become others by it.
std::uint64_t digest_of_wanted(const capture::interface_options& options) noexcept {
  std::uint64_t digest = 0xcbf29ce484222325;
  const auto add = [&digest](std::uint8_t octet) { digest = (digest ^ octet) * 0x100000001b3; };
  for (const char each : options.filter) {
    add(static_cast<std::uint8_t>(each));
  }
  for (unsigned shift = 0; shift < 32; shift += 8) {
    add(static_cast<std::uint8_t>(options.snaplen >> shift));
  }
  add(static_cast<std::uint8_t>(options.which));
  return digest;
}

}  // namespace

capture::ring_make make_of(const capture::interface_options& options,
                           std::uint32_t queues) noexcept {
  return {.block_bytes = options.ring.block_bytes,
          .timeout_ms = static_cast<std::uint32_t>(options.ring.timeout.count()),
          .is_promiscuous = options.promiscuous ? 1u : 0u,
          .has_hardware_stamps = options.stamps == capture::stamp_source::hardware ? 1u : 0u,
          .queues = queues,
          .wanted = digest_of_wanted(options)};
}

capture::ring_use use_of(const std::string& recording, const pipeline::ledger_figures& recorded,
                         const capture::dealt_with& before, std::uint64_t turns_before) noexcept {
  capture::ring_use use{.packets_before = before.packets_total,
                        .losses_before = before.losses_told,
                        .packets_recorded = recorded.stored + recorded.unwritten,
                        .losses_recorded = recorded.osdrop,
                        .turns_before = turns_before};
  std::copy_n(recording.begin(), std::min(recording.size(), use.recording.size() - 1),
              use.recording.begin());
  return use;
}

std::uint64_t count_waiting(left_rings& left, const capture::dealt_with& dealt) {
  std::uint64_t all = 0;
  for (capture::left_ring& one : left.rings) {
    base::unique_fd copy(::fcntl(one.socket.get(), F_DUPFD_CLOEXEC, 0));
    const auto socket =
        capture::packet_socket::take_over(std::move(copy), "a ring", capture::framing::ethernet);
    socket.read_counters(one.journal.room_for_counters());
    one.journal.add_counted();
    all += one.journal.sums().packets_total;
  }
  const capture::dealt_with progress = left.progress();
  const std::uint64_t settled = std::max(progress.packets_total, dealt.packets_total) +
                                std::max(progress.losses_told, dealt.losses_told);
  return all > settled ? all - settled : 0;
}

}  // namespace captured::daemon
