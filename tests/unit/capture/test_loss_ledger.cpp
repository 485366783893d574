// SPDX-License-Identifier: MIT
#include "capture/loss_ledger.hpp"
#include "support/catch.hpp"

using captured::capture::loss_ledger;

TEST_CASE("a loss is charged to the next filling of the oldest block") {
  loss_ledger ledger(3);
  ledger.charge(5);
  CHECK(ledger.losses_before(0) == 0);
  ledger.release(0);
  CHECK(ledger.losses_before(0) == 5);
  ledger.release(1);
  CHECK(ledger.losses_before(1) == 0);
}

TEST_CASE("a loss is forgotten once its block has been given back again") {
  loss_ledger ledger(2);
  ledger.charge(5);
  ledger.release(0);
  ledger.release(1);
  ledger.release(0);
  CHECK(ledger.losses_before(0) == 0);
}

TEST_CASE("blocks given back early wait for the oldest, which keeps its charges") {
  loss_ledger ledger(4);
  ledger.charge(1);
  ledger.release(2);
  ledger.release(1);
  ledger.charge(2);
  CHECK(ledger.oldest() == 0);
  CHECK(ledger.released_in_order() == 0);
  ledger.release(0);
  CHECK(ledger.oldest() == 3);
  CHECK(ledger.released_in_order() == 3);
  CHECK(ledger.losses_before(0) == 3);
  CHECK(ledger.losses_before(1) == 0);
  CHECK(ledger.losses_before(2) == 0);
}

TEST_CASE("the oldest block goes round and round, whatever the order of giving back") {
  loss_ledger ledger(3);
  for (std::uint64_t round = 1; round <= 5; ++round) {
    ledger.release(1);
    ledger.release(2);
    ledger.release(0);
    CHECK(ledger.oldest() == 0);
    CHECK(ledger.released_in_order() == 3 * round);
  }
}

TEST_CASE("a late loss adds to a block that was just given back") {
  loss_ledger ledger(2);
  ledger.charge(2);
  ledger.release(0);
  ledger.charge_released(0, 1);
  CHECK(ledger.losses_before(0) == 3);
}
