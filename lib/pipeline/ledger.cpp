// SPDX-License-Identifier: MIT
#include "pipeline/ledger.hpp"

namespace captured::pipeline {

ledger_figures read(const interface_ledger& ledger) noexcept {
  return {.filteraccept = ledger.filteraccept.get(),
          .osdrop = ledger.osdrop.get(),
          .stored = ledger.stored.get(),
          .unwritten = ledger.unwritten.get(),
          .octets_stored = ledger.octets_stored.get(),
          .ifrecv = ledger.ifrecv.get(),
          .ifdrop = ledger.ifdrop.get(),
          .steps_back = ledger.steps_back.get(),
          .damaged = ledger.damaged.get()};
}

}  // namespace captured::pipeline
