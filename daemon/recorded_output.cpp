// SPDX-License-Identifier: MIT
#include "daemon/recorded_output.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "capture/device_counters.hpp"
#include "daemon/logging.hpp"
#include "pipeline/limits.hpp"

namespace captured::daemon {

namespace {

constexpr std::chrono::seconds longest_retry_pause{30};

/// The device counters of one output's interfaces; read on its strand only.
pipeline::device_count_reader open_device_counters() {
  auto table = capture::device_counter_table::open();
  if (!table) {
    log_line(log_level::warning, {}, "{}; the files will not tell what the devices lost",
             table.error().message());
    return {};
  }
  // std::function wants something that can be copied; there is one owner all the same.
  auto shared = std::make_shared<capture::device_counter_table>(std::move(*table));
  return [shared](const std::string& name) -> std::optional<capture::device_counters> {
    const auto counters = shared->read(name);
    return counters ? std::optional(*counters) : std::nullopt;
  };
}

pipeline::open_files_events log_events(const std::string& output) {
  pipeline::open_files_events events;
  events.begun = [output](const std::string& name) {
    log_line(log_level::info, {{"output", output}}, "writing {}", name);
  };
  events.closed = [output](const pipeline::closed_file& file) {
    log_line(log_level::info, {{"output", output}}, "closed {}, {} packets, {} octets", file.name,
             file.packets, file.size_bytes);
  };
  events.trouble = [output](const base::failure& why) {
    log_trouble(log_level::error, {{{"output", output}}, "disk"},
                "{}; packets wait in the rings, trying again", why.message());
  };
  events.recovered = [output] { log_over({{"output", output}}, "writing again"); };
  return events;
}

}  // namespace

recorded_output::recorded_output(boost::asio::any_io_executor reactor,
                                 boost::asio::any_io_executor writer_pool, std::string family,
                                 pipeline::output_options options)
    : reactor_(std::move(reactor)),
      writer_pool_(std::move(writer_pool)),
      family_(std::move(family)),
      options_(std::move(options)) {}

recorded_output::~recorded_output() {
  files_.reset();  // no completion comes any more: then the strand may go
}

base::result<recorded_output::opened_folder> recorded_output::open_folder(
    const storage::output_options& files, const std::string& recording) {
  auto folder = storage::output_directory::open(files.directory, files.require_mount);
  if (!folder) {
    return folder.error();
  }
  const auto fd = folder->duplicate();
  if (!fd) {
    return fd.error();
  }
  auto claim = storage::claim_output(fd->get(), files.directory, files.name);
  if (!claim) {
    return claim.error();
  }
  if (const auto removed = folder->remove_prepared(files.name); !removed) {
    return removed.error();
  }
  auto start = pipeline::continue_series(*folder, files, recording);
  if (!start) {
    return start.error();
  }
  return opened_folder{std::move(*folder), std::move(*claim), std::move(*start)};
}

void recorded_output::open(const std::string& recording,
                           const std::optional<pipeline::series_start>& former) {
  state_ = output_state::opening;
  former_ = former;
  opener_ = std::make_unique<boost::asio::thread_pool>(1);
  boost::asio::post(*opener_, [this, files = options_.files, recording] {
    auto opened = open_folder(files, recording);
    boost::asio::post(
        reactor_, [this, opened = std::move(opened)]() mutable { on_folder(std::move(opened)); });
  });
}

void recorded_output::on_folder(base::result<opened_folder> opened) {
  opener_.reset();
  const base::result<> started = opened ? start(std::move(*opened)) : opened.error();
  if (started) {
    state_ = output_state::open;
    trouble_.clear();
    retry_pause_ = std::chrono::seconds(1);
  } else {
    state_ = output_state::closed;
    claim_ = {};
    trouble_ = started.error().message();
    retry_at_ = pipeline::read_clocks().steady + retry_pause_;
    retry_pause_ = std::min(2 * retry_pause_, longest_retry_pause);
  }
  events_.opened();
}

base::result<> recorded_output::start(opened_folder opened) {
  claim_ = std::move(opened.claim);
  if (former_ && former_->next_sequence >= opened.start.next_sequence) {
    opened.start = *former_;
  }
  auto folder = opened.folder.duplicate();
  if (!folder) {
    return folder.error();
  }
  auto strand = std::make_unique<pipeline::writer>(
      writer_pool_, [this](const pipeline::recorder_outcome& how) {
        boost::asio::post(reactor_, [this, how] { on_ended(how); });
      });
  auto files = storage::file_writer::start(
      std::move(*folder),
      [strand = strand.get()](const storage::file_completion& done) { strand->complete(done); });
  if (!files) {
    return files.error();
  }
  pipeline::recorder_surroundings around;
  around.files = files->get();
  around.device_counts = open_device_counters();
  around.released = [this](const std::string& interface) {
    boost::asio::post(reactor_, [this, interface] { events_.released(interface); });
  };
  around.events = log_events(name());
  auto recorder = pipeline::output_recorder::make(options_, std::move(opened.start),
                                                  std::move(around), pipeline::read_clocks());
  if (!recorder) {
    return recorder.error();
  }
  strand->attach(std::move(*recorder));
  writer_ = std::move(strand);
  files_ = std::move(*files);
  writer_->start();
  return {};
}

void recorded_output::stop(base::steady_time deadline) {
  if (state_ == output_state::open) {
    state_ = output_state::closing;
    writer_->stop(deadline);
  }
}

void recorded_output::reconfigure(const pipeline::output_options& changed) {
  if (changed == options_) {
    return;
  }
  options_ = changed;
  if (state_ == output_state::open) {
    writer_->reconfigure(changed);
  }
}

void recorded_output::on_ended(const pipeline::recorder_outcome& how) {
  state_ = output_state::ended;
  claim_ = {};
  events_.ended(how);
}

}  // namespace captured::daemon
