// SPDX-License-Identifier: MIT
//
// The last door before the recording begins: behind it the process can make only the calls of a
// recorder, and open only the files that its configuration names. Entered once by main(), when
// rights are given up and before any thread. Knows what a configuration needs; how the kernel is
// told, system_call_filter.hpp and file_confinement.hpp know.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "daemon/file_confinement.hpp"
#include "settings/configuration.hpp"

namespace captured::daemon {

/// Where the process may make files, as it was when it entered the sandbox.
struct sandbox {
  std::vector<std::filesystem::path> folders;  ///< without links; of use only when `confines`
  bool confines = false;                       ///< files are confined
  bool lacks_tcp = false;                      ///< no connection can be made any more
  std::vector<std::string> remarks;            ///< what is not as tight as it might be
  std::vector<std::string> warnings;           ///< what the kernel could not do, or refused

  /// One failure for each output of another configuration whose folder lies outside, and for each
  /// stream when there was none at the start.
  [[nodiscard]] std::vector<base::failure> refusals(const settings::configuration& wanted) const;
};

/// What files the process needs when it runs. Makes folders that are missing above those of the
/// outputs, those of outputs that lie at the root itself, and that of the control socket, as they
/// will be needed.
///
/// An output's folder may be removed and restored, or its disk be unmounted and mounted again,
/// while the recording runs; to the kernel that is another folder. So what is opened is the folder
/// above it, or above the mount where `require_mount` says that there is one, and its own only
/// when that were the root. For a disk mounted at the root this is everything, which a remark says.
/// The same holds for its fallback, to which `require_mount` does not apply.
///
/// `ledger_file` may be empty, `configuration_file` too.
[[nodiscard]] file_rules files_needed(const settings::configuration& wanted,
                                      const std::string& configuration_file,
                                      const std::string& ledger_file,
                                      std::vector<std::string>& remarks);

/// Enters, unless the configuration says `sandbox: off`. What cannot be had is said and goes
/// without: a recorder records.
[[nodiscard]] sandbox enter_sandbox(const settings::configuration& wanted,
                                    const std::string& configuration_file,
                                    const std::string& ledger_file);

}  // namespace captured::daemon
