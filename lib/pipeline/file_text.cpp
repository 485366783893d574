// SPDX-License-Identifier: MIT
#include "pipeline/file_text.hpp"

#include <climits>
#include <limits>
#include <utility>

#include <sys/utsname.h>

#include "base/check.hpp"
#include "pipeline/limits.hpp"

namespace captured::pipeline {

file_identity describe_host() {
  file_identity identity;
  identity.application = "captured " CAPTURED_VERSION;
  utsname host{};
  if (::uname(&host) == 0) {
    identity.hardware = host.machine;
    identity.os = std::string(host.sysname) + " " + host.release;
  }
  return identity;
}

base::result<> check_head(const std::string& output, const std::string& recording,
                          const std::vector<format::interface_description_block>& interfaces) {
  constexpr std::uint64_t longest = std::numeric_limits<std::int64_t>::max();
  format::recording_note note{.recording = recording,
                              .output = output,
                              .sequence = longest,
                              .previous = std::string(NAME_MAX, '-'),
                              .begun_ns = longest};
  std::vector<std::byte> head;
  for (const format::interface_description_block& one : interfaces) {
    note.totals[*one.name] = {longest, longest, longest};
    note.untold[*one.name] = longest;
    format::append(head, one);
  }
  const auto option = format::to_option(note);
  if (!option) {
    return option.error();
  }
  if (head.size() + option->value.size() > limits::file_head_bytes_max) {
    return base::invalid_input("describe the interfaces of output " + output,
                               "names and filters take " + std::to_string(head.size()) +
                                   " octets, more than a file's head may have");
  }
  return {};
}

void append_head(std::vector<std::byte>& out, const file_identity& identity,
                 const format::recording_note& note,
                 const std::vector<format::interface_description_block>& interfaces) {
  format::section_header_block section;
  section.hardware = identity.hardware;
  section.os = identity.os;
  section.application = identity.application;
  if (!identity.comment.empty()) {
    section.comments.push_back(identity.comment);
  }
  auto option = format::to_option(note);
  CAPTURED_CHECK(option.has_value());
  section.custom.push_back(std::move(*option));
  format::append(out, section);
  for (const auto& one : interfaces) {
    format::append(out, one);
  }
}

void append_statistics(std::vector<std::byte>& out, const interface_figures& figures,
                       statistics_kind kind, base::wall_time now,
                       std::vector<std::string> comments) {
  format::interface_statistics_block block;
  block.comments = std::move(comments);
  block.interface_id = figures.interface_id;
  block.timestamp = base::to_epoch_ns(now);
  block.start_time = base::to_epoch_ns(figures.begun);
  block.received = figures.received;
  block.dropped = figures.dropped;
  block.filter_accept = figures.filteraccept;
  block.os_drop = figures.osdrop;
  block.user_deliver = figures.encoded;
  if (kind == statistics_kind::closing) {
    block.end_time = block.timestamp;
    if (figures.unreported > 0) {
      block.comments.push_back(std::to_string(figures.unreported) +
                               " packets were lost after the last recorded one");
    }
  }
  format::append(out, block);
}

}  // namespace captured::pipeline
