// SPDX-License-Identifier: MIT
#include "daemon/output_log.hpp"

#include "daemon/logging.hpp"

namespace captured::daemon {

namespace {

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

}  // namespace

pipeline::open_files_events log_events(const std::string& output, bool has_fallback) {
  pipeline::open_files_events events;
  events.begun = [output](const std::string& name) {
    log_line(log_level::info, {{"output", output}}, "writing {}", name);
  };
  events.closed = [output](const pipeline::closed_file& file) {
    log_line(file.is_unproven ? log_level::error : log_level::info, {{"output", output}},
             "closed {}, {} packets, {} octets", file.name, file.packets, file.size_bytes);
  };
  events.trouble = [output, has_fallback](const base::failure& why) {
    log_trouble(log_level::error, {{{"output", output}}, "disk"}, "{}; {}trying again",
                why.message(), has_fallback ? "" : "packets wait in the rings, ");
  };
  events.unproven = [output](const base::failure& why) {
    log_line(log_level::error, {{"output", output}},
             "{}; nothing can prove any more that this file is whole: it is set aside as it is",
             why.message());
  };
  events.recovered = [output] { log_over({{"output", output}}, "writing again"); };
  return events;
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

}  // namespace captured::daemon
