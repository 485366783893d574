// SPDX-License-Identifier: MIT
#include "daemon/rate_meter.hpp"
#include "daemon/status_report.hpp"
#include "support/catch.hpp"

using namespace captured::daemon;
using namespace std::chrono_literals;

namespace {

recording_status status_with(std::uint64_t stored, std::uint64_t lost = 0) {
  recording_status made;
  made.interfaces.push_back({.name = "eth0", .output = "main", .state = "recording"});
  auto& figures = made.interfaces[0].figures;
  figures.filteraccept = stored + lost;
  figures.stored = stored;
  figures.octets_stored = 100 * stored;
  figures.osdrop = lost;
  made.outputs.push_back({.name = "main", .state = "writing"});
  return made;
}

const rate_meter::clock::time_point start{1000s};

}  // namespace

TEST_CASE("one reading gives no rate, the second does") {
  rate_meter meter;
  CHECK(meter.span() == 0s);
  meter.take(start, status_with(1000));
  CHECK(meter.of(status_with(1000).interfaces[0]).packets == 0);
  meter.take(start + 5s, status_with(2000, 50));
  const auto rates = meter.of(status_with(2000).interfaces[0]);
  CHECK(rates.packets == Approx(200));
  CHECK(rates.bits == Approx(200 * 800));
  CHECK(rates.lost == Approx(10));
}

TEST_CASE("rates are recent: what is longer ago than the reading before counts no more") {
  rate_meter meter;
  meter.take(start, status_with(0));
  meter.take(start + 3600s, status_with(3600));
  meter.take(start + 3605s, status_with(3600));
  CHECK(meter.span() == 5s);
  CHECK(meter.of(status_with(0).interfaces[0]).packets == 0);
}

TEST_CASE("readings in quick succession do not make the rates jump") {
  rate_meter meter;
  meter.take(start, status_with(0));
  meter.take(start + 5s, status_with(500));
  for (int i = 1; i <= 20; ++i) {
    meter.take(start + 5s + i * 10ms, status_with(500 + static_cast<std::uint64_t>(i)));
    CHECK(meter.span() >= 1s);
    CHECK(meter.of(status_with(0).interfaces[0]).packets == Approx(100).epsilon(0.05));
  }
}

TEST_CASE("a counter that begins anew is no negative rate, a new interface has none yet") {
  rate_meter meter;
  meter.take(start, status_with(1000));
  meter.take(start + 2s, status_with(10));
  CHECK(meter.of(status_with(0).interfaces[0]).packets == 0);
  auto other = status_with(0).interfaces[0];
  other.name = "eth1";
  CHECK(meter.of(other).packets == 0);
}

TEST_CASE("the line for the service manager tells rates, drops and troubles") {
  rate_meter meter;
  meter.take(start, status_with(0));
  auto status = status_with(2500, 3);
  meter.take(start + 2s, status);
  CHECK(status_line(status, meter) ==
        "1 of 1 interface, 1250 packets/s, 1.0 Mbit/s, stored 2500, lost 3");
  status.interfaces.push_back(
      {.name = "eth1", .output = "main", .state = "waiting", .why = "no such device"});
  status.outputs[0].trouble = "no space left";
  CHECK(status_line(status, meter) ==
        "1 of 2 interfaces, 1250 packets/s, 1.0 Mbit/s, stored 2500, lost 3; "
        "interface eth1: no such device; output main: no space left");
}

TEST_CASE("what is kept is told with the hours that its room lasts at the present rate") {
  rate_meter meter;
  auto status = status_with(0);
  auto& kept = status.outputs[0].kept;
  kept.octets_written = 1'000'000;
  meter.take(start, status);
  CHECK(status_json({}, status, meter).at("outputs").at(0).as_object().if_contains("hours_left") ==
        nullptr);
  kept = {.files = 3,
          .octets = 5ULL << 30,
          .oldest = captured::base::wall_time(1519128000s),
          .octets_written = 21'000'000,
          .room_octets = 72'000'000'000};
  meter.take(start + 2s, status);
  const auto told = status_json({}, status, meter).at("outputs").at(0);
  CHECK(told.at("files_kept").to_number<int>() == 3);
  CHECK(told.at("octets_kept").to_number<std::uint64_t>() == 5ULL << 30);
  CHECK(told.at("oldest").as_string() == "2018-02-20T12:00:00Z");
  CHECK(told.at("octets_left").to_number<std::uint64_t>() == 72'000'000'000);
  CHECK(told.at("hours_left").to_number<double>() == Approx(2));
  CHECK(status_line(status, meter) ==
        "1 of 1 interface, 0 packets/s, 0.0 Mbit/s, stored 0, lost 0, 5.0 GiB kept, full in 2.0 h");
}

TEST_CASE("the status as JSON has the ledger of each interface") {
  auto status = status_with(7, 2);
  status.interfaces[0].why = "its link is down";
  status.outputs[0].directory = "/data";
  status.outputs[0].file = "a.pcapng";
  status.since = captured::base::wall_time(1519128000s);
  const auto told =
      status_json({.uptime = 61s, .configuration_file = "captured.yaml"}, status, rate_meter());
  CHECK(told.at("since").as_string() == "2018-02-20T12:00:00Z");
  CHECK(told.at("uptime_seconds").as_int64() == 61);
  const auto& one = told.at("interfaces").at(0);
  CHECK(one.at("filteraccept").to_number<int>() == 9);
  CHECK(one.at("stored").to_number<int>() == 7);
  CHECK(one.at("osdrop").to_number<int>() == 2);
  CHECK(one.at("why").as_string() == "its link is down");
  const auto& output = told.at("outputs").at(0);
  CHECK(output.at("state").as_string() == "writing");
  CHECK(output.at("directory").as_string() == "/data");
  CHECK(output.at("file").as_string() == "a.pcapng");
}
