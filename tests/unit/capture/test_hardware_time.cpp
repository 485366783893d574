// SPDX-License-Identifier: MIT
//
// Against an imitation of a card: what is asked for, and what is refused.
#include <cerrno>

#include "capture/hardware_time.hpp"
#include "support/catch.hpp"

namespace capture = captured::capture;

namespace {

class imitated_card final : public capture::stamp_calls {
 public:
  std::optional<abilities> ask(const std::string&) override { return can; }
  int read(const std::string&, hwtstamp_config& config) override {
    config = now;
    return read_error;
  }
  int write(const std::string&, hwtstamp_config& config) override {
    ++writes;
    if (write_error == 0) {
      config.rx_filter = granted.value_or(config.rx_filter);
      now = config;
    }
    return write_error;
  }

  std::optional<abilities> can =
      abilities{.clock_index = 0,
                .stamps = SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE,
                .rx_filters = 1u << HWTSTAMP_FILTER_NONE | 1u << HWTSTAMP_FILTER_ALL};
  hwtstamp_config now{};
  std::optional<int> granted;
  int read_error = 0;
  int write_error = 0;
  int writes = 0;
};

std::string refusal(imitated_card& card) {
  const auto enabled = capture::enable_hardware_time("eth0", card);
  return enabled ? "" : enabled.error().message();
}

}  // namespace

TEST_CASE("a card is told to stamp all it receives, and goes on with what it sends as before") {
  imitated_card card;
  card.now = {.flags = 0, .tx_type = HWTSTAMP_TX_ON, .rx_filter = HWTSTAMP_FILTER_NONE};
  CHECK(refusal(card).empty());
  CHECK(card.now.rx_filter == HWTSTAMP_FILTER_ALL);
  CHECK(card.now.tx_type == HWTSTAMP_TX_ON);
}

TEST_CASE("a card that stamps all already is left alone, without the right even") {
  imitated_card card;
  card.now.rx_filter = HWTSTAMP_FILTER_ALL;
  card.write_error = EPERM;
  CHECK(refusal(card).empty());
  CHECK(card.writes == 0);
}

TEST_CASE("a driver that does not tell its setting is told all the same") {
  imitated_card card;
  card.read_error = EOPNOTSUPP;
  card.now.tx_type = 77;
  CHECK(refusal(card).empty());
  CHECK(card.now.rx_filter == HWTSTAMP_FILTER_ALL);
  CHECK(card.now.tx_type == HWTSTAMP_TX_OFF);
}

TEST_CASE("what cannot stamp every packet is refused, each with its reason") {
  const std::string no_clock =
      "use hardware time of eth0: the device has no clock that stamps received packets";
  imitated_card silent;
  silent.can.reset();
  CHECK(refusal(silent) == no_clock);
  imitated_card without_clock;
  without_clock.can->clock_index = -1;
  CHECK(refusal(without_clock) == no_clock);
  imitated_card sends_only;
  sends_only.can->stamps = SOF_TIMESTAMPING_TX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE;
  CHECK(refusal(sends_only) == no_clock);
  imitated_card ptp_only;
  ptp_only.can->rx_filters = 1u << HWTSTAMP_FILTER_PTP_V2_EVENT;
  CHECK(refusal(ptp_only) ==
        "use hardware time of eth0: the device stamps some packets only, such as those of PTP");
  CHECK(ptp_only.writes == 0);
}

TEST_CASE("a card that is not ours to set, or does other than it says, is an error") {
  imitated_card not_ours;
  not_ours.write_error = EPERM;
  CHECK(refusal(not_ours) == "use hardware time of eth0: Operation not permitted");
  imitated_card liar;
  liar.granted = HWTSTAMP_FILTER_PTP_V2_EVENT;
  CHECK(refusal(liar) ==
        "use hardware time of eth0: the driver does not stamp all packets, as it said");
}
