// SPDX-License-Identifier: MIT
#include "format/recording_closing.hpp"
#include "octets.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace captured::format;

namespace {

/// Of a file that begins with 7 drops in its totals and whose packets tell of 5.
file_report some_report() {
  file_report report;
  report.note = test::first_note();
  report.note->totals["eth0"] = {.stored = 10, .osdrop = 7, .unwritten = 0};
  report.interfaces["eth0"].packets = 3;
  report.interfaces["eth0"].dropcount_sum = 5;
  return report;
}

}  // namespace

TEST_CASE("drops that the packets of an open file tell of are behind those of the file before") {
  CHECK(totals_at_end(some_report()).at("eth0") ==
        interface_totals{.stored = 13, .osdrop = 12, .unwritten = 0});
}

TEST_CASE("drops that the file before counted and no packet told of are not counted again") {
  file_report report = some_report();
  report.note->untold["eth0"] = 4;
  CHECK(totals_at_end(report).at("eth0").osdrop == 8);
  report.note->untold["eth0"] = 7;
  CHECK(totals_at_end(report).at("eth0").osdrop == 7);
  report.interfaces["eth0"].os_drop = 9;
  CHECK(totals_at_end(report).at("eth0").osdrop == 9);
  report.note->untold["eth0"] = 1000;
  CHECK(totals_at_end(report).at("eth0").osdrop == 9);
}
