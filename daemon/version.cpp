// SPDX-License-Identifier: MIT
#include "daemon/version.hpp"

#include <boost/version.hpp>
#include <spdlog/fmt/fmt.h>
#include <spdlog/version.h>

#include "capture/filter.hpp"

namespace captured::daemon {

std::string version_text() {
  return fmt::format(
      "captured {}\n  Boost {}.{}.{}\n  spdlog {}.{}.{}\n  yaml-cpp {}\n  liburing {}\n"
      "  libsystemd {}\n  {}\n",
      CAPTURED_VERSION, BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100,
      SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH, YAML_CPP_VERSION, URING_VERSION,
      SYSTEMD_VERSION, capture::filter_compiler());
}

}  // namespace captured::daemon
