// SPDX-License-Identifier: MIT
#include "daemon/live_stream.hpp"

#include <utility>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "daemon/interface_text.hpp"

namespace captured::daemon {

namespace {

namespace json = boost::json;

constexpr std::size_t bytes_max = std::size_t{4} << 20;  // copied and not yet sent; twice for each
constexpr std::uint32_t snaplen_max = 262144;

base::result<std::string> read_text(const json::object& request, const char* name) {
  const json::value* const value = request.if_contains(name);
  if (value == nullptr) {
    return std::string();
  }
  if (!value->is_string()) {
    return base::invalid_input("live", std::string("\"") + name + "\" must be a string");
  }
  return std::string(value->get_string());
}

}  // namespace

base::result<live_wish> read_live_wish(const json::object& request) {
  live_wish made;
  for (const auto& [name, to] :
       {std::pair("interface", &made.interface), std::pair("output", &made.output),
        std::pair("filter", &made.filter)}) {
    auto text = read_text(request, name);
    if (!text) {
      return text.error();
    }
    *to = std::move(*text);
  }
  if (const json::value* const value = request.if_contains("snaplen")) {
    const std::int64_t* const number = value->if_int64();
    if (number == nullptr || *number < 1 || *number > snaplen_max) {
      return base::invalid_input("live", "\"snaplen\" must be a number from 1 to 262144");
    }
    made.snaplen = static_cast<std::uint32_t>(*number);
  }
  return made;
}

live_stream::live_stream(live_wish wish, device_filters filters, control_reply reply)
    : wish_(std::move(wish)),
      filters_(std::move(filters)),
      reply_(std::move(reply)),
      copy_(bytes_max) {
  copy_.begin("live, from the running recording" +
              (wish_.filter.empty() ? "" : ", filter: " + wish_.filter));
}

live_stream::~live_stream() = default;

void live_stream::on_moved(const recorded_interface& from, recorded_interface& to,
                           std::uint64_t time_ns) {
  if (taps_.follows(from)) {
    follow(to, time_ns);
    if (taps_.follows(to)) {
      taps_.end_at(from, time_ns);
    }
  }
}

void live_stream::follow(recorded_interface& one, std::uint64_t from_ns) {
  if (why_ || (!wish_.interface.empty() && one.name() != wish_.interface) ||
      (!wish_.output.empty() && one.entry.output != wish_.output) || taps_.shows(one)) {
    return;
  }
  if (const auto id = describe_to_viewer(one)) {
    taps_.attach(one, from_ns, [this, id = *id](const pipeline::shown_block& block) {
      copy_.copy(id, block);
      send();
    });
  }
}

/// Its number; nothing when no packet of it can be wanted.
std::optional<std::uint32_t> live_stream::describe_to_viewer(const recorded_interface& one) {
  const pipeline::port_description what = describe(one.from, one.options, {});
  for (const description& each : described_) {
    if (each.of == &one && each.link == what.block.link) {
      return each.id;
    }
  }
  pipeline::copy_wish wish{.snaplen = wish_.snaplen};
  if (!wish_.filter.empty()) {
    const capture::offline_filter* const filter = filters_.find(what.block.link);
    if (filter == nullptr) {
      return std::nullopt;
    }
    wish.filter = *filter;
  }
  described_.push_back({.of = &one,
                        .link = what.block.link,
                        .id = copy_.add_interface(what.block, std::move(wish))});
  return described_.back().id;
}

void live_stream::start() {
  started_ = true;
  reply_.begin_stream([self = weak_from_this()] {
    if (const auto still = self.lock()) {
      still->end("ended by the reader");
    }
  });
  send();
}

void live_stream::end(std::string why) {
  if (why_) {
    return;
  }
  why_ = std::move(why);
  taps_.clear();
  send();
  if (ended_) {
    std::exchange(ended_, nullptr)();
  }
}

void live_stream::send() {
  if (busy_ || !started_) {
    return;
  }
  if (copy_.empty()) {
    if (why_) {
      send_last();
    }
    return;
  }
  busy_ = true;
  copy_.take(sending_);
  const json::object head{{"ok", true}, {"more", true}, {"octets", sending_.size()}};
  reply_.send_piece(json::serialize(head) + '\n', sending_, [self = shared_from_this()](bool sent) {
    self->busy_ = false;
    if (!sent) {
      self->copy_.take(self->sending_);  // nobody is there any more
      return self->end("the reader has gone");
    }
    self->send();
  });
}

void live_stream::send_last() {
  busy_ = true;
  const pipeline::copy_figures& figures = copy_.figures();
  reply_.finish_stream(acceptance({{"why", *why_},
                                   {"offered", figures.offered},
                                   {"sent", figures.copied},
                                   {"dropped", figures.dropped}}));
}

}  // namespace captured::daemon
