// SPDX-License-Identifier: MIT
#include "support/recorder_rig.hpp"

#include <numeric>
#include <utility>

#include "base/bytes.hpp"
#include "base/check.hpp"

namespace captured::test {

namespace {

/// 2026-01-01 00:00:00 UTC: a multiple of every usual interval.
constexpr std::int64_t begin_seconds = 1767225600;

}  // namespace

recorder_rig::recorder_rig(rig_options options)
    : is_ring_kept_(options.is_ring_kept),
      disk_([this](const storage::file_completion& done) { completions_.push_back(done); },
            options.delivery),
      second_disk_([this](const storage::file_completion& done) { completions_.push_back(done); },
                   options.delivery),
      now_{base::wall_time(std::chrono::seconds(begin_seconds)),
           base::steady_time(std::chrono::seconds(1000))} {
  for (std::size_t i = 0; i < options.interfaces; ++i) {
    auto one = std::make_unique<line>();
    one->source = make_ring(options.ring);
    one->feed = std::make_unique<pipeline::ring_feed>(*one->source);
    lines_.push_back(std::move(one));
  }
  pipeline::recorder_surroundings around;
  around.files = &disk_;
  around.where = options.where;
  around.released = [this](const std::string& name) { released_.push_back(name); };
  around.events.begun = [](const std::string&) {};
  around.events.closed = [this](const pipeline::closed_file& file) {
    closed_.push_back(file.name);
  };
  around.events.trouble = [this](const base::failure& why) { troubles_.push_back(why.message()); };
  around.events.unproven = [this](const base::failure& why) { unproven_.push_back(why.message()); };
  around.events.recovered = [this] { ++recoveries_; };
  around.keeping.removed = [this](const storage::kept_file& file, storage::removal_reason) {
    removed_.push_back(file.name);
  };
  around.keeping.trouble = [this](const base::failure& why) {
    removal_troubles_.push_back(why.message());
  };
  around.earlier = options.earlier;
  around.places.moved = [this](std::uint32_t place, const std::string& why) {
    const auto cause = why.rfind(": ");
    moves_.push_back(std::to_string(place) + " " +
                     (cause == std::string::npos ? why : why.substr(cause + 2)));
  };
  around.places.test = [this](std::uint32_t place, bool wanted) { tests_wanted_[place] = wanted; };
  around.places.left = [this](std::uint32_t place) { left_.push_back(place); };
  recorder_ = pipeline::output_recorder::make(options.output,
                                              {.recording = "00000000-0000-4000-8000-000000000001"},
                                              std::move(around), now_)
                  .value();
  if (options.has_fallback) {
    attach(1, 1);
  }
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    CAPTURED_CHECK(recorder_->add(describe(i)).has_value());
  }
}

std::unique_ptr<scripted_source> recorder_rig::make_ring(const scripted_options& of) const {
  auto kernel = std::make_shared<scripted_kernel>(of);
  return is_ring_kept_ ? std::make_unique<scripted_source>(std::move(kernel),
                                                           capture::ring_journal::make().value())
                       : std::make_unique<scripted_source>(std::move(kernel));
}

void recorder_rig::attach(std::uint32_t place, std::uint32_t which) {
  const std::shared_ptr<storage::file_operations> files(&disk(which),
                                                        [](storage::file_operations*) {});
  recorder_->attach(place, {files, which == 0 ? "/first" : "/second"}, now_);
}

pipeline::output_interface recorder_rig::describe(std::size_t interface) {
  pipeline::output_interface what;
  what.description.block.name = "if" + std::to_string(interface);
  what.feed = lines_[interface]->feed.get();
  what.ledger = &lines_[interface]->ledger;
  what.begun = now_.wall;
  what.is_ring_kept = is_ring_kept_;
  return what;
}

std::size_t recorder_rig::add_interface(const scripted_options& ring) {
  auto one = std::make_unique<line>();
  one->source = make_ring(ring);
  one->feed = std::make_unique<pipeline::ring_feed>(*one->source);
  lines_.push_back(std::move(one));
  CAPTURED_CHECK(recorder_->add(describe(lines_.size() - 1)).has_value());
  return lines_.size() - 1;
}

void recorder_rig::close_feed(std::size_t interface) {
  retire(interface);
  lines_[interface]->feed->close();
}

void recorder_rig::bring_back(std::size_t interface, const scripted_options& ring) {
  CAPTURED_CHECK(!released_.empty() && released_.back() == "if" + std::to_string(interface));
  line& one = *lines_[interface];
  one.feed.reset();
  one.source = make_ring(ring);
  one.feed = std::make_unique<pipeline::ring_feed>(*one.source);
  CAPTURED_CHECK(recorder_->add(describe(interface)).has_value());
}

bool recorder_rig::produce(std::size_t interface, std::size_t frame_bytes) {
  line& one = *lines_[interface];
  const auto frame = numbered_frame(one.produced++, frame_bytes);
  return one.source->produce({.timestamp_ns = base::to_epoch_ns(now_.wall), .data = frame});
}

void recorder_rig::retire(std::size_t interface) {
  lines_[interface]->source->retire();
  lines_[interface]->feed->offer_finished_blocks();
}

void recorder_rig::retire_all() {
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    retire(i);
  }
}

void recorder_rig::pass(std::chrono::nanoseconds time) {
  now_.wall += time;
  now_.steady += time;
  settle();
}

void recorder_rig::settle() {
  recorder_->run(now_);
  while (disk_.run_all() + second_disk_.run_all() > 0 || !completions_.empty()) {
    for (const auto& done : std::exchange(completions_, {})) {
      recorder_->on_completion(done, now_);
    }
    recorder_->run(now_);
  }
}

void recorder_rig::close_feeds() {
  retire_all();
  for (const auto& one : lines_) {
    one->feed->close();
  }
}

void recorder_rig::hand_over_feeds() {
  retire_all();
  for (const auto& one : lines_) {
    one->feed->hand_over();
  }
}

void recorder_rig::stop(std::chrono::milliseconds timeout) {
  recorder_->stop(now_.steady + timeout);
  settle();
  // A full ring goes on filling while the stop waits; what is lost meanwhile is counted.
  close_feeds();
  settle();
  for (int i = 0; !recorder_->outcome().ended; ++i) {
    CAPTURED_CHECK(i < 1000);
    pass(timeout / 100);
  }
}

pipeline::ledger_figures recorder_rig::ledger(std::size_t interface) const {
  return pipeline::read(lines_[interface]->ledger);
}

std::uint32_t recorder_rig::produced(std::size_t interface) const {
  return lines_[interface]->produced;
}

read_back read_file(std::span<const std::byte> octets) {
  using base::load_little;
  read_back found;
  std::size_t at = 0;
  while (octets.size() - at >= 12) {
    const std::byte* const block = octets.data() + at;
    const auto type = load_little<std::uint32_t>(block);
    const auto length = load_little<std::uint32_t>(block + 4);
    if (length < 12 || length > octets.size() - at ||
        load_little<std::uint32_t>(block + length - 4) != length) {
      break;
    }
    if (type == 6) {
      const auto captured = load_little<std::uint32_t>(block + 20);
      ++found.packets;
      if (const auto number = number_of({block + 28, captured})) {
        found.numbers.push_back(*number);
      }
      for (std::size_t option = 28 + base::align_up<std::size_t>(captured, 4);
           option + 4 < length - 4;) {
        const auto code = load_little<std::uint16_t>(block + option);
        const auto size = load_little<std::uint16_t>(block + option + 2);
        if (code == 4) {
          found.dropcounts += load_little<std::uint64_t>(block + option + 4);
        }
        option += 4 + base::align_up<std::size_t>(size, 4);
      }
    }
    found.statistics_blocks += type == 5 ? 1 : 0;
    found.ended = type == 0x40000BAD;
    at += length;
  }
  return found;
}

read_back read_all(recorder_rig& rig) {
  read_back all;
  for (const std::string& name : rig.closed()) {
    const read_back one = read_file(rig.disk().contents(name).value());
    CAPTURED_CHECK(one.ended);
    all.packets += one.packets;
    all.dropcounts += one.dropcounts;
    all.statistics_blocks += one.statistics_blocks;
    all.numbers.insert(all.numbers.end(), one.numbers.begin(), one.numbers.end());
  }
  return all;
}

std::vector<std::uint32_t> numbers_to(std::uint32_t end) {
  std::vector<std::uint32_t> numbers(end);
  std::iota(numbers.begin(), numbers.end(), 0u);
  return numbers;
}

void produce(recorder_rig& rig, std::uint32_t count, std::size_t interface) {
  for (std::uint32_t i = 0; i < count; ++i) {
    rig.produce(interface);
  }
}

}  // namespace captured::test
