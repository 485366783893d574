// SPDX-License-Identifier: MIT
#include "storage/paired_file.hpp"

namespace captured::storage {

namespace {

/// Renames unless it has that name already, for acts that are repeated.
base::error_code rename_once(open_file& file, system_calls& calls, int folder,
                             const std::string& name) {
  return file.name() == name ? base::error_code() : file.publish(calls, folder, name);
}

}  // namespace

base::error_code paired_file::create(system_calls& calls, int folder, const std::string& name,
                                     std::uint64_t bytes_expected, bool with_sidecar) {
  if (const auto failed = main_.create(calls, folder, name, bytes_expected)) {
    return failed;
  }
  if (!with_sidecar) {
    return {};
  }
  is_sidecar_forced_ = false;
  const auto failed = sidecar_.create(calls, folder, sidecar_of(name), 0);
  if (failed) {
    main_.discard(calls, folder);  // the name must be free again for the next attempt
  }
  return failed;
}

base::error_code paired_file::publish(system_calls& calls, int folder, const std::string& name) {
  if (!sidecar_.is_open()) {
    return main_.publish(calls, folder, name);
  }
  if (const auto failed = rename_once(main_, calls, folder, name)) {
    return failed;
  }
  return rename_once(sidecar_, calls, folder, sidecar_of(name));
}

open_file::written paired_file::write(system_calls& calls, std::span<const std::byte> octets,
                                      std::uint64_t offset, aside first) {
  while (!first.octets.empty()) {
    const auto done = open_file::write(calls, sidecar_.fd(), first.octets, first.offset);
    if (done.error) {
      return {0, done.error};
    }
    first.octets = first.octets.subspan(done.octets);
    first.offset += done.octets;
  }
  return open_file::write(calls, fd(), octets, offset);
}

base::error_code paired_file::sync(system_calls& calls) {
  if (sidecar_.is_open()) {
    if (const auto failed = open_file::sync(calls, sidecar_.fd())) {
      return failed;
    }
  }
  return open_file::sync(calls, fd());
}

base::error_code paired_file::finish(system_calls& calls, int folder, const std::string& name,
                                     open_file::ending end) {
  if (!sidecar_.is_open()) {
    return main_.finish(calls, folder, name, end);
  }
  if (end.force_to_device && !is_sidecar_forced_) {
    if (const auto failed = open_file::sync(calls, sidecar_.fd())) {
      set_unproven();
      return failed;
    }
    is_sidecar_forced_ = true;
  }
  // The sidecar first: whoever sees the finished file finds it.
  if (const auto failed = rename_once(sidecar_, calls, folder, sidecar_of(name))) {
    return failed;
  }
  const auto failed = main_.finish(calls, folder, name, end);
  if (!failed) {
    sidecar_.leave();
  }
  return failed;
}

base::error_code paired_file::discard(system_calls& calls, int folder) {
  if (sidecar_.is_open()) {
    sidecar_.discard(calls, folder);
  }
  return main_.discard(calls, folder);
}

void paired_file::leave() noexcept {
  main_.leave();
  sidecar_.leave();
}

}  // namespace captured::storage
