// SPDX-License-Identifier: MIT
//
// The ledger in words: a table for the end, a line for the log, JSON for scripts. Pure text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/ledger.hpp"

namespace captured::daemon {

struct ledger_row {
  std::string interface;
  std::string output;
  pipeline::ledger_figures figures;
};

[[nodiscard]] bool all_balanced(const std::vector<ledger_row>& rows);

/// One row for each interface with a head, and a closing line that says whether it balances.
[[nodiscard]] std::string ledger_table(const std::vector<ledger_row>& rows);

/// All interfaces on one line.
[[nodiscard]] std::string ledger_line(const std::vector<ledger_row>& rows);

/// {"interfaces": {NAME: {…}}, "balanced": bool}; an interface of several outputs is named
/// NAME@OUTPUT.
[[nodiscard]] std::string ledger_json(const std::vector<ledger_row>& rows);

}  // namespace captured::daemon
