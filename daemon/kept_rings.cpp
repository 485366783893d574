// SPDX-License-Identifier: MIT
#include "daemon/kept_rings.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>

#include "daemon/logging.hpp"

namespace captured::daemon {

namespace {

constexpr std::string_view name_begin = "ring-";
constexpr char separator = '@';

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

std::string store_name(const std::string& interface, const std::string& output) {
  return std::string(name_begin) + escaped(interface) + separator + escaped(output);
}

std::optional<std::pair<std::string, std::string>> parse_store_name(const std::string& name) {
  const auto at = name.find(separator);
  if (!name.starts_with(name_begin) || at == std::string::npos) {
    return std::nullopt;
  }
  return std::pair(unescaped(name.substr(name_begin.size(), at - name_begin.size())),
                   unescaped(name.substr(at + 1)));
}

kept_rings::kept_rings(service_notify& notify, bool wanted)
    : notify_(notify), is_active_(wanted && notify.keeps_descriptors()) {
  std::map<std::string, std::vector<base::unique_fd>> found;
  for (auto& one : notify.take_kept()) {
    found[one.name].push_back(std::move(one.fd));
  }
  for (auto& [name, parts] : found) {
    if (const auto of = parse_store_name(name)) {
      take_up({of->first, of->second}, std::move(parts));
    }
  }
  if (!is_active_) {
    close_unwanted([](const auto&, const auto&) { return false; });
  }
}

void kept_rings::take_up(const ring_name& name, std::vector<base::unique_fd> parts) {
  const log_fields about{{"interface", name.interface}, {"output", name.output}};
  const auto socket = std::ranges::find_if(parts, is_socket);
  const auto memory = std::ranges::find_if(parts, [](const auto& fd) { return !is_socket(fd); });
  if (socket == parts.end() || memory == parts.end()) {
    log_line(log_level::error, about, "the ring of the life before is not whole; it is closed");
    return notify_.forget(store_name(name.interface, name.output));
  }
  auto journal = capture::ring_journal::take_over(std::move(*memory));
  if (!journal) {
    log_line(log_level::error, about, "{}; the ring of the life before is closed",
             journal.error().message());
    return notify_.forget(store_name(name.interface, name.output));
  }
  left_.emplace(name, left_ring{std::move(*socket), std::move(*journal)});
}

std::vector<std::string> kept_rings::recordings() const {
  std::set<std::string> all;
  for (const auto& [name, ring] : left_) {
    all.insert(ring.recording());
  }
  return {all.begin(), all.end()};
}

std::optional<left_ring> kept_rings::take(const std::string& interface, const std::string& output) {
  auto node = left_.extract(ring_name{interface, output});
  if (node.empty()) {
    return std::nullopt;
  }
  return std::move(node.mapped());
}

void kept_rings::close_unwanted(
    const std::function<bool(const std::string& interface, const std::string& output)>& is_wanted) {
  for (auto at = left_.begin(); at != left_.end();) {
    const ring_name& name = at->first;
    if (is_wanted(name.interface, name.output)) {
      ++at;
      continue;
    }
    log_line(log_level::warning, {{"interface", name.interface}, {"output", name.output}},
             "the ring that the life before left is not wanted any more; {} packets that waited in "
             "it, or were lost before it, are not recorded",
             count_waiting(at->second, {}));
    notify_.forget(store_name(name.interface, name.output));
    at = left_.erase(at);
  }
}

void kept_rings::give_back(const std::string& interface, const std::string& output,
                           left_ring ring) {
  left_.emplace(ring_name{interface, output}, std::move(ring));
}

void kept_rings::keep(const std::string& interface, const std::string& output,
                      capture::packet_ring& ring) {
  const std::array<int, 2> both{ring.fd(), ring.journal()->fd()};
  notify_.keep(store_name(interface, output), both);
  kept_.insert({interface, output});
}

void kept_rings::forget(const std::string& interface, const std::string& output) {
  kept_.erase({interface, output});
  if (is_active_) {
    notify_.forget(store_name(interface, output));
  }
}

void kept_rings::forget_all() {
  for (const ring_name& one : kept_) {
    notify_.forget(store_name(one.interface, one.output));
  }
  kept_.clear();
  close_unwanted([](const auto&, const auto&) { return false; });
}

capture::ring_make make_of(const capture::interface_options& options) noexcept {
  return {.block_bytes = options.ring.block_bytes,
          .timeout_ms = static_cast<std::uint32_t>(options.ring.timeout.count()),
          .is_promiscuous = options.promiscuous ? 1u : 0u,
          .has_hardware_stamps = options.stamps == capture::stamp_source::hardware ? 1u : 0u};
}

capture::ring_use use_of(const std::string& recording, const pipeline::ledger_figures& recorded,
                         const capture::ring_progress& progress) noexcept {
  capture::ring_use use{.packets_before = progress.packets_total,
                        .losses_before = progress.losses_told,
                        .packets_recorded = recorded.stored + recorded.unwritten,
                        .losses_recorded = recorded.osdrop};
  std::copy_n(recording.begin(), std::min(recording.size(), use.recording.size() - 1),
              use.recording.begin());
  return use;
}

std::uint64_t count_waiting(left_ring& left, const capture::dealt_with& dealt) {
  base::unique_fd copy(::fcntl(left.socket.get(), F_DUPFD_CLOEXEC, 0));
  const auto socket =
      capture::packet_socket::take_over(std::move(copy), "a ring", capture::framing::ethernet);
  socket.read_counters(left.journal.room_for_counters());
  left.journal.add_counted();
  const capture::ring_progress& progress = left.journal.progress();
  const std::uint64_t settled = std::max(progress.packets_total, dealt.packets_total) +
                                std::max(progress.losses_told, dealt.losses_told);
  const std::uint64_t all = left.journal.sums().packets_total;
  return all > settled ? all - settled : 0;
}

}  // namespace captured::daemon
