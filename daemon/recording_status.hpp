// SPDX-License-Identifier: MIT
//
// What a recording is doing at one moment, for status answers and metrics. Values only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "pipeline/file_keeper.hpp"
#include "pipeline/ledger.hpp"

namespace captured::daemon {

struct interface_status {
  std::string name;
  std::string output;  ///< as the configuration names it
  std::string state;   ///< "recording", "waiting", "opening", "closing"
  std::string why;     ///< it is not recording; empty while it is
  bool required = true;
  std::string filter;
  std::string link_type;  ///< "ethernet", "raw", "cooked"; empty when it was never recorded
  bool up = false;        ///< the device is switched on and has a carrier
  pipeline::ledger_figures figures;
};

struct output_status {
  std::string name;
  std::string directory;
  std::string state;            ///< "open", "closed", "opening", "closing"
  std::string file;             ///< final name of the current file; empty without one
  std::string trouble;          ///< empty without any
  pipeline::kept_figures kept;  ///< zero while it is not open
};

struct recording_status {
  std::string recording;  ///< UUID
  base::wall_time since{};
  std::vector<interface_status> interfaces;
  std::vector<output_status> outputs;
};

}  // namespace captured::daemon
