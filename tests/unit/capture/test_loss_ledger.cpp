// SPDX-License-Identifier: MIT
#include "capture/loss_ledger.hpp"
#include "support/catch.hpp"

using captured::capture::loss_ledger;

namespace {
loss_ledger full_ledger(std::uint32_t block_count) {
  loss_ledger ledger(block_count);
  while (!ledger.all_in_use()) {
    ledger.filled();
  }
  return ledger;
}
}  // namespace

TEST_CASE("with every block in use a loss lies before the next filling of the oldest") {
  loss_ledger ledger = full_ledger(3);
  ledger.charge(5);
  CHECK(ledger.losses_before(0) == 0);
  ledger.release(0);
  CHECK(ledger.losses_before(0) == 5);
  ledger.release(1);
  CHECK(ledger.losses_before(1) == 0);
}

TEST_CASE("with a free block a loss lies before the block that is being filled") {
  loss_ledger ledger(3);
  ledger.charge(1);
  CHECK(ledger.losses_before(0) == 1);
  ledger.filled();
  ledger.charge(2);
  ledger.release(0);
  ledger.charge(3);
  CHECK(ledger.losses_before(0) == 0);
  CHECK(ledger.losses_before(1) == 5);
}

TEST_CASE("a loss is forgotten once its block has been given back again") {
  loss_ledger ledger = full_ledger(2);
  ledger.charge(5);
  ledger.release(0);
  ledger.release(1);
  ledger.filled();
  ledger.release(0);
  CHECK(ledger.losses_before(0) == 0);
}

TEST_CASE("blocks given back early wait for the oldest, in front of which the producer stands") {
  loss_ledger ledger = full_ledger(4);
  ledger.charge(1);
  ledger.release(2);
  ledger.release(1);
  ledger.charge(2);
  CHECK(ledger.all_in_use());
  CHECK(ledger.oldest() == 0);
  CHECK(ledger.released_in_order() == 0);
  ledger.release(0);
  CHECK_FALSE(ledger.all_in_use());
  CHECK(ledger.oldest() == 3);
  CHECK(ledger.position() == 0);
  CHECK(ledger.released_in_order() == 3);
  CHECK(ledger.losses_before(0) == 3);
  CHECK(ledger.losses_before(1) == 0);
  CHECK(ledger.losses_before(2) == 0);
}

TEST_CASE("producer and oldest block go round and round, whatever the order of giving back") {
  loss_ledger ledger(3);
  for (std::uint64_t round = 1; round <= 5; ++round) {
    for (int block = 0; block < 3; ++block) {
      ledger.filled();
    }
    ledger.release(1);
    ledger.release(2);
    ledger.release(0);
    CHECK(ledger.oldest() == 0);
    CHECK(ledger.position() == 0);
    CHECK(ledger.filled_total() == 3 * round);
    CHECK(ledger.released_in_order() == 3 * round);
  }
}
