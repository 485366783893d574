// SPDX-License-Identifier: MIT
#include "check/interface_account.hpp"

#include <cstdlib>

#include <boost/json/array.hpp>

#include "check/frame_reader.hpp"

namespace captured::check {
namespace {

constexpr std::uint32_t no_flags = 0xffffffff;  // no real value: bits 12 to 15 are reserved

template <class T, class Describe>
boost::json::object describe(const tally<T>& counted, Describe words) {
  boost::json::object said;
  for (const auto& [value, times] : counted.counts()) {
    said[words(value)] = times;
  }
  if (counted.others() != 0) {
    said["others"] = counted.others();
  }
  return said;
}

template <class T>
boost::json::object describe(const tally<T>& counted) {
  return describe(counted, [](T value) { return std::to_string(value); });
}

// Cumulative figures only grow within one capture, which its start time names.
bool decreases(const statistics_record& before, const statistics_record& now) {
  const auto less = [](const auto& was, const auto& is) { return was && is && *is < *was; };
  return before.start_ns == now.start_ns &&
         (less(before.ifrecv, now.ifrecv) || less(before.ifdrop, now.ifdrop) ||
          less(before.filteraccept, now.filteraccept) || less(before.osdrop, now.osdrop) ||
          less(before.usrdeliv, now.usrdeliv));
}

}  // namespace

void interface_account::add(const packet_record& packet, const std::string& file) {
  if (packets_++ == 0) {
    first_time_ns_ = packet.time_ns;
    dropcount_at_first_ = packet.dropcount.value_or(0);
  } else if (packet.time_ns < last_time_ns_) {
    ++steps_back_;
    step_back_ns_max_ = std::max(step_back_ns_max_, last_time_ns_ - packet.time_ns);
  }
  last_time_ns_ = packet.time_ns;
  octets_ += packet.data.size();
  flags_.count(packet.flags.value_or(no_flags));
  captured_lengths_.count(static_cast<std::uint32_t>(packet.data.size()));
  if (packet.queue) {
    queues_.count(*packet.queue);
  }
  dropcount_sum_ += packet.dropcount.value_or(0);
  add_number(packet, file);
}

void interface_account::add_number(const packet_record& packet, const std::string& file) {
  const numbered_frame frame = read_frame(packet.data);
  if (!frame.known) {
    ++foreign_;
    compare_place(0, packet.dropcount.value_or(0));
    return;
  }
  ports_.count(frame.destination_port);
  tags_.count(frame.tags);
  if (frame.whole_length != packet.original_length) {
    ++lengths_wrong_;
  }
  if (options_->check_content && !frame.content_right) {
    ++content_wrong_;
  }
  auto stream = streams_.find(frame.stream);
  if (stream == streams_.end()) {
    stream = streams_.emplace(frame.stream, numbering(options_->selection)).first;
    if (options_->expected) {
      stream->second.expect(options_->expected->first, options_->expected->second);
    }
  }
  const auto judged = stream->second.take(frame.number);
  const std::uint64_t dropcount = packet.dropcount.value_or(0);
  compare_place(judged.missing_before, dropcount);
  if (judged.missing_before != 0 && gaps_listed_.size() < options_->gaps_listed_max) {
    gaps_listed_.push_back({.stream = frame.stream,
                            .before = frame.number,
                            .missing = judged.missing_before,
                            .dropcount = dropcount,
                            .file = file,
                            .offset = packet.offset});
  }
}

// How well the losses that the file states lie where numbers are missing.
void interface_account::compare_place(std::uint64_t missing, std::uint64_t dropcount) {
  if (missing == 0 && dropcount == 0) {
    return;
  }
  if (missing != 0) {
    ++gaps_;
    dropcount_at_gaps_ += dropcount;
    gaps_without_dropcount_ += dropcount == 0 ? 1 : 0;
  }
  missing_minus_dropped_ += static_cast<std::int64_t>(missing - dropcount);
  place_difference_max_ =
      std::max(place_difference_max_, static_cast<std::uint64_t>(std::abs(missing_minus_dropped_)));
}

void interface_account::add(const statistics_record& statistics) {
  if (statistics_blocks_++ != 0 && decreases(last_statistics_, statistics)) {
    ++statistics_decreasing_;
  }
  last_statistics_ = statistics;
}

boost::json::object interface_account::report_numbers() const {
  boost::json::object streams;
  for (const auto& [id, numbers] : streams_) {
    boost::json::object said{{"taken", numbers.taken()},
                             {"missing", numbers.missing()},
                             {"repeated", numbers.repeated()},
                             {"late", numbers.late()},
                             {"not_selected", numbers.not_selected()},
                             {"missing_at_start", numbers.missing_at_start()},
                             {"missing_at_end", numbers.missing_at_end()}};
    if (numbers.taken() != 0) {
      said["first"] = numbers.first();
      said["last"] = numbers.last();
    }
    streams[std::to_string(id)] = std::move(said);
  }
  return streams;
}

boost::json::array interface_account::report_gaps() const {
  boost::json::array gaps;
  for (const gap& each : gaps_listed_) {
    gaps.push_back({{"stream", each.stream},
                    {"before", each.before},
                    {"missing", each.missing},
                    {"dropcount", each.dropcount},
                    {"file", each.file},
                    {"offset", each.offset}});
  }
  return gaps;
}

boost::json::object interface_account::report_statistics() const {
  boost::json::object said{{"blocks", statistics_blocks_}, {"decreasing", statistics_decreasing_}};
  const auto say = [&said](const char* name, const std::optional<std::uint64_t>& value) {
    if (value) {
      said[name] = *value;
    }
  };
  say("start_ns", last_statistics_.start_ns);
  say("end_ns", last_statistics_.end_ns);
  say("ifrecv", last_statistics_.ifrecv);
  say("ifdrop", last_statistics_.ifdrop);
  say("filteraccept", last_statistics_.filteraccept);
  say("osdrop", last_statistics_.osdrop);
  say("usrdeliv", last_statistics_.usrdeliv);
  return said;
}

boost::json::object interface_account::report() const {
  std::uint64_t missing = 0;
  std::uint64_t repeated = 0;
  std::uint64_t late = 0;
  std::uint64_t not_selected = 0;
  if (streams_.empty() && options_->expected) {
    const auto [first, count] = *options_->expected;
    missing = options_->selection.rank(first + count) - options_->selection.rank(first);
  }
  for (const auto& [id, numbers] : streams_) {
    missing += numbers.missing() + numbers.missing_at_start() + numbers.missing_at_end();
    repeated += numbers.repeated();
    late += numbers.late();
    not_selected += numbers.not_selected();
  }
  return {{"packets", packets_},
          {"octets", octets_},
          {"missing", missing},
          {"repeated", repeated},
          {"late", late},
          {"not_selected", not_selected},
          {"foreign", foreign_},
          {"content_wrong", content_wrong_},
          {"lengths_wrong", lengths_wrong_},
          {"first_time_ns", first_time_ns_},
          {"last_time_ns", last_time_ns_},
          {"time_steps_back", steps_back_},
          {"time_step_back_ns_max", step_back_ns_max_},
          {"dropcount_sum", dropcount_sum_},
          {"dropcount_at_first", dropcount_at_first_},
          {"dropcount_at_gaps", dropcount_at_gaps_},
          {"gap_count", gaps_},
          {"gaps_without_dropcount", gaps_without_dropcount_},
          {"place_difference_max", place_difference_max_},
          {"flags", describe(flags_,
                             [](std::uint32_t flags) {
                               return flags == no_flags ? "none" : std::to_string(flags);
                             })},
          {"captured_lengths", describe(captured_lengths_)},
          {"ports", describe(ports_)},
          {"tags", describe(tags_, describe_tags)},
          {"queues", describe(queues_)},
          {"statistics", report_statistics()},
          {"streams", report_numbers()},
          {"gaps", report_gaps()}};
}

}  // namespace captured::check
