// SPDX-License-Identifier: MIT
//
// Which rights the process keeps: to open packet sockets, and none besides. Called once by main(),
// when the configuration is known to be good and before any thread, socket or folder, so that all
// of them are made with the rights that the service keeps for months.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "capture/spare_sockets.hpp"
#include "settings/configuration.hpp"

namespace captured::daemon {

/// The sockets that `spare_sockets` asks for, while there is the right to make them; none when it
/// is 0. Fails when there is no such right.
[[nodiscard]] base::result<std::shared_ptr<capture::spare_sockets>> open_spare_sockets(
    const settings::configuration& wanted);

/// Gives up what is not needed; with `spare_sockets` CAP_NET_RAW is not needed either:
/// - As root with `user`: makes the missing folders of the outputs and of the control socket, gives
///   to the user those that it made, and becomes the user, with his groups and the socket's.
/// - As root without: stays user 0, but keeps CAP_NET_RAW and CAP_DAC_OVERRIDE alone. The second
///   because folders need not belong to root (`./dev run` in somebody's home): without it user 0
///   could not write there. Gives a warning that is to be logged.
/// - As anybody else: keeps CAP_NET_RAW alone. `user` must be empty or name who we are.
///
/// Always: new programs get no rights (no_new_privs), there are no core dumps, for they would hold
/// packets, and nobody of the same user can look into the memory. Fails when CAP_NET_RAW is
/// missing, when `user` or the socket's group does not exist, or when the kernel refuses.
[[nodiscard]] base::result<std::optional<std::string>> drop_privileges(
    const settings::configuration& wanted);

/// Those of these folders, and of the folders above them, that do not exist, outermost first and
/// each once. For paths as they stand in a configuration: not normalised.
[[nodiscard]] std::vector<std::string> missing_folders(const std::vector<std::string>& paths);

}  // namespace captured::daemon
