// SPDX-License-Identifier: MIT
#include "daemon/journal.hpp"

#include <sys/uio.h>

// The place in this file would be the same for every entry.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

namespace captured::daemon {

void send_to_journal(const std::vector<std::string>& fields) {
  std::vector<iovec> pieces;
  pieces.reserve(fields.size());
  for (const auto& field : fields) {
    // iovec is for reading and writing alike; here it is read only.
    pieces.push_back({const_cast<char*>(field.data()), field.size()});
  }
  ::sd_journal_sendv(pieces.data(), static_cast<int>(pieces.size()));
}

}  // namespace captured::daemon
