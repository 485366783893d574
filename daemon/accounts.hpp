// SPDX-License-Identifier: MIT
//
// Users and groups of this machine, by name or number, and what of it outputs need. Looks them up,
// changes nothing.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "base/error.hpp"
#include "pipeline/options.hpp"
#include "storage/file_rights.hpp"
#include "storage/options.hpp"

namespace captured::daemon {

struct account {
  std::string name;
  uid_t user = 0;
  gid_t group = 0;  ///< the user's first group
};

/// Fails when there is none; `what` names the key that asks ("user"). Any thread; both may block as
/// the machine's name services do.
[[nodiscard]] base::result<account> find_user(const std::string& what, const std::string& name);
[[nodiscard]] base::result<gid_t> find_group(const std::string& what, const std::string& name);

/// Looks the group of an output up and remembers its number: done when a configuration is read.
/// What was found once stays known when it cannot be looked up any more.
[[nodiscard]] base::result<> look_up_group(const storage::output_options& files);

/// Who may use the files of an output. Does not block where its group was found before; else looks
/// again, for it may be there by now, and fails when it is not.
[[nodiscard]] base::result<storage::file_rights> rights_of(const storage::output_options& files);
/// One failure for each output that would come to another group, of which nothing is known or this
/// process is no member: it could give no file to it. Never blocks.
[[nodiscard]] std::vector<base::failure> group_refusals(
    const std::vector<pipeline::output_options>& outputs,
    const std::vector<pipeline::output_options>& in_force);
/// Every folder in which an output may make files.
[[nodiscard]] std::vector<std::string> directories_of(const storage::output_options& files);

}  // namespace captured::daemon
