// SPDX-License-Identifier: MIT
//
// Users and groups of this machine, by name or number, and what of it outputs need. Looks them up,
// changes nothing.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "base/error.hpp"
#include "storage/file_rights.hpp"
#include "storage/options.hpp"

namespace captured::daemon {

struct account {
  std::string name;
  uid_t user = 0;
  gid_t group = 0;  ///< the user's first group
};

/// Fails when there is none; `what` names the key that asks ("user"). Both may block as the
/// machine's name services do; not for two threads at once.
[[nodiscard]] base::result<account> find_user(const std::string& what, const std::string& name);
[[nodiscard]] base::result<gid_t> find_group(const std::string& what, const std::string& name);

/// Who may use the files of an output, with its group looked up. Fails when there is no such group.
[[nodiscard]] base::result<storage::file_rights> rights_of(const storage::output_options& files);
/// Every folder in which an output may make files.
[[nodiscard]] std::vector<std::string> directories_of(const storage::output_options& files);

}  // namespace captured::daemon
