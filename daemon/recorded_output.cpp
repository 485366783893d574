// SPDX-License-Identifier: MIT
#include "daemon/recorded_output.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <fcntl.h>

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
    log_line(file.is_unproven ? log_level::error : log_level::info, {{"output", output}},
             "closed {}, {} packets, {} octets", file.name, file.packets, file.size_bytes);
  };
  events.trouble = [output](const base::failure& why) {
    log_trouble(log_level::error, {{{"output", output}}, "disk"},
                "{}; packets wait in the rings, trying again", why.message());
  };
  events.unproven = [output](const base::failure& why) {
    log_line(log_level::error, {{"output", output}},
             "{}; nothing can prove any more that this file is whole: it is set aside as it is",
             why.message());
  };
  events.recovered = [output] { log_over({{"output", output}}, "writing again"); };
  return events;
}

const char* reason_words(storage::removal_reason reason) {
  switch (reason) {
    case storage::removal_reason::age:
      return "it is older than retain.age";
    case storage::removal_reason::size:
      return "the files were more than retain.size";
    case storage::removal_reason::files:
      return "the files were more than retain.files";
    case storage::removal_reason::free:
      return "less than retain.free was free";
    case storage::removal_reason::full:
      break;
  }
  return "the disk was full";
}

pipeline::file_keeper_events log_removals(const std::string& output) {
  pipeline::file_keeper_events events;
  events.removed = [output](const storage::kept_file& file, storage::removal_reason reason) {
    log_line(log_level::info, {{"output", output}, {"file", file.name}},
             "removed {}, {} octets: {}", file.name, file.size_bytes, reason_words(reason));
  };
  events.trouble = [output](const base::failure& why) {
    log_trouble(log_level::error, {{{"output", output}}, "removal"},
                "{}; the next older files go instead", why.message());
  };
  return events;
}

void log_repaired(const std::string& output, const std::string& part,
                  const base::result<pipeline::repaired_part>& how) {
  const log_fields about{{"output", output}, {"file", how ? how->file.name : part}};
  if (!how) {
    log_line(log_level::error, about, "{}; {} stays as it is", how.error().message(), part);
  } else if (how->is_set_aside) {
    log_line(log_level::warning, about, "{} cannot be repaired: {}; set aside as {}", part,
             how->reason, how->file.name);
  } else {
    log_line(log_level::info, about,
             "recovered {}, left open by an earlier life: {} packets, {} octets cut off",
             how->file.name, how->packets, how->octets_lost);
  }
}

}  // namespace

recorded_output::recorded_output(boost::asio::any_io_executor reactor,
                                 const pipeline::writer::pool_executor& writer_pool,
                                 bool one_writer_thread, std::string family,
                                 pipeline::output_options options)
    : reactor_(std::move(reactor)),
      writer_pool_(writer_pool),
      one_writer_thread_(one_writer_thread),
      family_(std::move(family)),
      options_(std::move(options)) {}

recorded_output::~recorded_output() {
  files_.reset();  // no completion comes any more: then the strand may go
}

base::result<recorded_output::opened_folder> recorded_output::open_folder(
    const storage::output_options& files, const std::string& recording, bool repair) {
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
  auto own = pipeline::own_files_of(files);
  if (!own) {
    return own.error();
  }
  // First, for it changes which file is the last.
  auto parts = repair ? pipeline::find_parts(*folder, *own) : pipeline::found_parts{};
  if (!parts) {
    return parts.error();
  }
  auto start = pipeline::continue_series(*folder, files, recording);
  if (!start) {
    return start.error();
  }
  auto kept = folder->find_kept(*own);
  if (!kept) {
    return kept.error();
  }
  return opened_folder{std::move(*folder),
                       std::move(*claim),
                       std::move(*start),
                       std::move(*own),
                       std::move(*parts),
                       std::move(*kept),
                       storage::has_direct_writes(fd->get())};
}

void recorded_output::open(const std::string& recording,
                           const std::optional<pipeline::series_start>& former) {
  state_ = output_state::opening;
  former_ = former;
  opener_ = std::make_unique<boost::asio::thread_pool>(1);
  // A recorder of this process that gave up may still hang in a write to its file.
  const bool repair = !former.has_value();
  boost::asio::post(*opener_, [this, files = options_.files, recording, repair] {
    auto opened = open_folder(files, recording, repair);
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
  // Also owned by threads that may outlive this object: the disk's slow one, and that of repairs.
  const auto shared_folder =
      std::make_shared<const storage::output_directory>(std::move(opened.folder));
  storage::file_writer_options files;
  files.may_remove = [shared_folder, own = std::move(opened.own)](const std::string& name) {
    return shared_folder->check_removable(name, own);
  };
  auto backend = storage::open_file_backend(
      std::move(*folder), options_.files.direct, opened.direct_possible,
      [strand = strand.get()](const storage::file_completion& done) { strand->complete(done); },
      std::move(files), {.one_thread = one_writer_thread_});
  if (!backend) {
    return backend.error();
  }
  if (!backend->remark.empty()) {
    log_line(log_level::info, {{"output", name()}}, "{}", backend->remark);
  }
  pipeline::recorder_surroundings around;
  around.files = backend->files.get();
  around.where = backend->direct ? pipeline::placement::paged : pipeline::placement::packed;
  around.device_counts = open_device_counters();
  around.released = [this](const std::string& interface) {
    boost::asio::post(reactor_, [this, interface] { events_.released(interface); });
  };
  around.memory_refused = [output = name()](const base::error_code& why) {
    log_line(log_level::info, {{"output", output}},
             "the kernel does not keep hold of memory for direct writes ({}; see LimitMEMLOCK=): "
             "they cost a little more",
             why.message());
  };
  around.events = log_events(name());
  around.keeping = log_removals(name());
  around.earlier = std::move(opened.kept);
  auto recorder = pipeline::output_recorder::make(options_, std::move(opened.start),
                                                  std::move(around), pipeline::read_clocks());
  if (!recorder) {
    return recorder.error();
  }
  strand->attach(std::move(*recorder));
  if (backend->polled != nullptr) {
    if (const auto watched = strand->watch(*backend->polled); !watched) {
      return watched.error();
    }
  }
  writer_ = std::move(strand);
  files_ = std::move(backend->files);
  writer_->start();
  repair(opened.parts, shared_folder);
  return {};
}

void recorded_output::repair(const pipeline::found_parts& parts,
                             const std::shared_ptr<const storage::output_directory>& folder) {
  for (const base::failure& why : parts.troubles) {
    log_line(log_level::error, {{"output", name()}}, "{}; it stays as it is", why.message());
  }
  for (const pipeline::repaired_part& one : parts.set_aside) {
    log_repaired(name(), one.part, one);
  }
  if (parts.to_repair.empty()) {
    return;
  }
  repairs_ = std::make_unique<part_repairs>(
      folder, parts.to_repair,
      [this, alive = std::weak_ptr(alive_)](const std::string& part,
                                            const base::result<pipeline::repaired_part>& how) {
        boost::asio::post(reactor_, [this, alive, part, how] {
          if (!alive.expired()) {
            on_repaired(part, how);
          }
        });
      });
}

void recorded_output::on_repaired(const std::string& part,
                                  const base::result<pipeline::repaired_part>& how) {
  log_repaired(name(), part, how);
  if (how && state_ == output_state::open) {
    writer_->keep(how->file);
  }
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
