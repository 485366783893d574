// SPDX-License-Identifier: MIT
#include "daemon/recording.hpp"

#include <algorithm>

#include <boost/asio/post.hpp>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <spdlog/spdlog.h>

#include "capture/device_counters.hpp"
#include "capture/filter.hpp"
#include "storage/output_claim.hpp"

namespace captured::daemon {

namespace {

/// The device counters of one output's interfaces; read on its strand only.
pipeline::device_count_reader open_device_counters() {
  auto table = capture::device_counter_table::open();
  if (!table) {
    spdlog::warn("{}; the files will not tell what the devices lost", table.error().message());
    return {};
  }
  // std::function wants something that can be copied; there is one owner all the same.
  auto shared = std::make_shared<capture::device_counter_table>(std::move(*table));
  return [shared](const std::string& name) -> std::optional<capture::device_counters> {
    const auto counters = shared->read(name);
    return counters ? std::optional(*counters) : std::nullopt;
  };
}

void log_all(const std::vector<base::failure>& failures, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    spdlog::error("{}", failures[i].message());
  }
}

pipeline::open_files_events log_events(const std::string& output) {
  pipeline::open_files_events events;
  events.begun = [output](const std::string& name) {
    spdlog::info("output {}: writing {}", output, name);
  };
  events.closed = [output](const pipeline::closed_file& file) {
    spdlog::info("output {}: closed {}, {} packets, {} octets", output, file.name, file.packets,
                 file.size_bytes);
  };
  events.trouble = [output](const base::failure& why) {
    spdlog::error("output {}: {}; packets wait in the rings, trying again", output, why.message());
  };
  events.recovered = [output] { spdlog::info("output {}: writing again", output); };
  return events;
}

}  // namespace

recording::recording(boost::asio::io_context& reactor_context,
                     const settings::configuration& wanted, capture::poll_set rings)
    : reactor_context_(reactor_context),
      wanted_(wanted),
      uuid_(boost::uuids::to_string(boost::uuids::random_generator()())),
      reactor_(reactor_context.get_executor(), std::move(rings),
               [](const base::failure& why) { spdlog::warn("{}", why.message()); }),
      writer_pool_(std::make_unique<boost::asio::thread_pool>(wanted.writer.threads)) {}

recording::~recording() {
  // First no handler runs any more, then no completion can come any more, then the rest may go.
  writer_pool_->stop();
  writer_pool_->join();
  for (const auto& one : outputs_) {
    one->files.reset();
  }
}

base::result<std::unique_ptr<recording>> recording::open(boost::asio::io_context& reactor_context,
                                                         const settings::configuration& wanted) {
  auto rings = capture::poll_set::create();
  if (!rings) {
    return rings.error();
  }
  std::unique_ptr<recording> made(new recording(reactor_context, wanted, std::move(*rings)));
  std::vector<base::failure> failures;
  for (const settings::interface_settings& entry : wanted.interfaces) {
    if (const auto opened = made->open_line(entry); !opened) {
      failures.push_back(opened.error());
      made->outcome_.required_failed |= entry.required;
    }
  }
  for (const pipeline::output_options& options : wanted.outputs) {
    if (!made->is_used(options)) {
      continue;  // why its interfaces are missing was said
    }
    if (const auto opened = made->open_output(options); !opened) {
      failures.push_back(opened.error());
      made->outcome_.required_failed = true;
      // Without its output an interface would only fill its ring.
      std::erase_if(made->lines_,
                    [&](const auto& one) { return one->output == options.files.name; });
    }
  }
  if (made->outputs_.empty()) {
    const base::failure last = failures.empty()
                                   ? base::invalid_input("captured", "no interface to be recorded")
                                   : failures.back();
    log_all(failures, failures.empty() ? 0 : failures.size() - 1);
    return last;
  }
  log_all(failures, failures.size());
  return made;
}

bool recording::is_used(const pipeline::output_options& options) const {
  return std::any_of(lines_.begin(), lines_.end(),
                     [&](const auto& one) { return one->output == options.files.name; });
}

base::result<> recording::open_line(const settings::interface_settings& entry) {
  auto from = capture::find_device(entry.device.name);
  if (!from) {
    return from.error();
  }
  auto one = std::make_unique<line>();
  one->name = entry.device.name;
  one->output = entry.output;
  one->from = *from;
  one->options = entry.device;
  auto program = capture::compile_filter(*from, entry.device);
  if (!program) {
    return program.error();
  }
  one->begun = pipeline::read_clocks().wall;
  auto ring = capture::packet_ring::open(*from, entry.device, *program);
  if (!ring) {
    return ring.error();
  }
  one->ring = std::move(*ring);
  one->feed = std::make_unique<pipeline::ring_feed>(*one->ring);
  lines_.push_back(std::move(one));
  return {};
}

pipeline::output_interface recording::describe(line& one) const {
  pipeline::output_interface what;
  auto& description = what.description;
  description.link = capture::link_type_of(one.from);
  description.name = one.name;
  const auto say = [](std::optional<std::string>& option, const std::string& text) {
    if (!text.empty()) {
      option = text;
    }
  };
  say(description.description, one.from.description);
  say(description.hardware, one.from.hardware);
  say(description.filter, one.options.filter);
  say(description.os, pipeline::describe_host().os);
  if (one.from.mac) {
    auto& mac = description.mac_address.emplace();
    std::transform(one.from.mac->begin(), one.from.mac->end(), mac.begin(),
                   [](std::byte octet) { return std::to_integer<std::uint8_t>(octet); });
  }
  description.speed = one.from.speed_bits;
  if (one.options.snaplen < description.snaplen) {
    // Readers insist on one snaplen for all interfaces of a file: the real one is said in words.
    description.comments.push_back("packets are cut at " + std::to_string(one.options.snaplen) +
                                   " octets");
  }
  what.snaplen = one.options.snaplen;
  what.feed = one.feed.get();
  what.ledger = &one.ledger;
  what.begun = one.begun;
  return what;
}

base::result<pipeline::series_start> recording::open_folder(output& one) const {
  const storage::output_options& files = one.options.files;
  auto folder = storage::output_directory::open(files.directory, files.require_mount);
  if (!folder) {
    return folder.error();
  }
  one.folder.emplace(std::move(*folder));
  const auto fd = one.folder->duplicate();
  if (!fd) {
    return fd.error();
  }
  auto claim = storage::claim_output(fd->get(), files.directory, files.name);
  if (!claim) {
    return claim.error();
  }
  one.claim = std::move(*claim);
  if (const auto removed = one.folder->remove_prepared(files.name); !removed) {
    return removed.error();
  }
  return pipeline::continue_series(*one.folder, files, uuid_);
}

base::result<> recording::open_output(const pipeline::output_options& options) {
  std::vector<pipeline::output_interface> interfaces;
  for (const auto& one : lines_) {
    if (one->output == options.files.name) {
      interfaces.push_back(describe(*one));
    }
  }
  auto made = std::make_unique<output>();
  made->options = options;
  output& one = *made;
  auto start = open_folder(one);
  if (!start) {
    return start.error();
  }
  auto folder = one.folder->duplicate();
  if (!folder) {
    return folder.error();
  }
  one.writer = std::make_unique<pipeline::writer>(
      writer_pool_->get_executor(), [this, &one](const pipeline::recorder_outcome& how) {
        boost::asio::post(reactor_context_, [this, &one, how] { on_output_ended(one, how); });
      });
  auto files = storage::file_writer::start(
      std::move(*folder), [writer = one.writer.get()](const storage::file_completion& done) {
        writer->complete(done);
      });
  if (!files) {
    return files.error();
  }
  one.files = std::move(*files);
  pipeline::recorder_surroundings around;
  around.files = one.files.get();
  around.device_counts = open_device_counters();
  around.events = log_events(options.files.name);
  auto recorder = pipeline::output_recorder::make(options, std::move(*start), std::move(interfaces),
                                                  std::move(around), pipeline::read_clocks());
  if (!recorder) {
    return recorder.error();
  }
  one.writer->attach(std::move(*recorder));
  outputs_.push_back(std::move(made));
  return {};
}

base::result<> recording::start(std::function<void()> ended) {
  ended_ = std::move(ended);
  for (const auto& one : lines_) {
    const auto served = std::find_if(outputs_.begin(), outputs_.end(), [&](const auto& out) {
      return out->options.files.name == one->output;
    });
    if (served == outputs_.end()) {
      continue;
    }
    if (const auto added =
            reactor_.add({.name = one->name,
                          .ring = one->ring.get(),
                          .feed = one->feed.get(),
                          .wake = [writer = (*served)->writer.get()] { writer->wake(); }});
        !added) {
      return added.error();
    }
    spdlog::info("interface {}: into output {}, ring {} MiB{}{}", one->name, one->output,
                 one->options.ring.size_bytes >> 20, one->options.filter.empty() ? "" : ", filter ",
                 one->options.filter);
  }
  if (const auto started = reactor_.start(); !started) {
    return started.error();
  }
  for (const auto& one : outputs_) {
    one->writer->start();
  }
  return {};
}

void recording::rotate() {
  for (const auto& one : outputs_) {
    one->writer->rotate();
  }
}

void recording::stop() {
  const auto deadline = pipeline::read_clocks().steady + wanted_.stop_timeout;
  reactor_.async_stop([] {});
  for (const auto& one : outputs_) {
    one->writer->stop(deadline);
  }
}

void recording::refresh_ledger(std::function<void()> done) {
  const auto left = std::make_shared<std::size_t>(outputs_.size());
  for (const auto& one : outputs_) {
    one->writer->refresh_ledger([this, left, done] {
      boost::asio::post(reactor_context_, [left, done] {
        if (--*left == 0) {
          done();
        }
      });
    });
  }
}

std::vector<ledger_row> recording::ledger() const {
  std::vector<ledger_row> rows;
  for (const auto& one : lines_) {
    rows.push_back({one->name, one->output, pipeline::read(one->ledger)});
  }
  return rows;
}

void recording::on_output_ended(output& one, const pipeline::recorder_outcome& how) {
  one.ended = true;
  if (how.gave_up) {
    outcome_.unwritten = true;
    spdlog::error("output {}: the disk did not take everything within {} s", one.options.files.name,
                  wanted_.stop_timeout.count() / 1000);
  }
  if (std::all_of(outputs_.begin(), outputs_.end(), [](const auto& out) { return out->ended; })) {
    ended_();
  }
}

}  // namespace captured::daemon
