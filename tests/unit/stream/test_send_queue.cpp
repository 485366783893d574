// SPDX-License-Identifier: MIT
#include <thread>

#include "stream/send_queue.hpp"
#include "support/catch.hpp"

using namespace captured::stream;
using namespace std::chrono_literals;

namespace {

packet_batch batch_of(std::size_t packets, std::size_t octets = 100) {
  const std::vector<std::byte> data(octets);
  packet_batch made;
  for (std::size_t i = 0; i < packets; ++i) {
    made.append({.time_ns = i, .data = data, .original_length = 100});
  }
  return made;
}

bool balances(const client_figures& of) {
  return of.offered == of.sent + of.dropped + of.waiting;
}

}  // namespace

TEST_CASE("packets beyond the bound are dropped, counted, and never waited for") {
  send_queue queue(2000);
  for (int i = 0; i < 10; ++i) {
    packet_batch batch = batch_of(4);
    queue.offer(batch);
    CHECK(batch.packets() == 0);
    CHECK(balances(queue.figures()));
  }
  const client_figures figures = queue.figures();
  CHECK(figures.offered == 40);
  CHECK(figures.waiting == 16);
  CHECK(figures.dropped == 24);
  CHECK_FALSE(queue.has_room(1000));
  queue.drop(5);
  CHECK(queue.figures().dropped == 29);
  CHECK(balances(queue.figures()));
}

TEST_CASE("a batch larger than the bound is taken by an empty queue, so that it can pass at all") {
  send_queue queue(10);
  packet_batch batch = batch_of(1);
  CHECK(queue.offer(batch));
  packet_batch second = batch_of(1);
  CHECK_FALSE(queue.offer(second));
}

TEST_CASE("what was sent, lost with a connection, and left at the end adds up") {
  send_queue queue(100'000);
  packet_batch batch = batch_of(10);
  queue.offer(batch);
  batch = batch_of(7);
  queue.offer(batch);
  packet_batch given;
  std::vector<send_queue::description> known;
  REQUIRE(queue.next(given, known) == send_queue::order::send);
  CHECK(given.packets() == 10);
  queue.settle({.packets = 6, .octets = 600, .lost = 1});
  CHECK(queue.figures().waiting == 10);
  CHECK(balances(queue.figures()));
  queue.close();
  const client_figures figures = queue.figures();
  CHECK(figures.sent == 6);
  CHECK(figures.dropped == 11);
  CHECK(figures.waiting == 0);
  CHECK(balances(figures));
}

TEST_CASE("a queue without packets says so after a while") {
  send_queue queue(100);
  packet_batch given;
  std::vector<send_queue::description> known;
  CHECK(queue.next(given, known) == send_queue::order::idle);
}

TEST_CASE("an ended queue gives what waits, then says so, and takes no more") {
  send_queue queue(100'000);
  packet_batch batch = batch_of(3);
  queue.offer(batch);
  queue.end();
  batch = batch_of(2);
  CHECK_FALSE(queue.offer(batch));
  CHECK(queue.figures().dropped == 2);
  packet_batch given;
  std::vector<send_queue::description> known;
  CHECK(queue.next(given, known) == send_queue::order::send);
  CHECK(queue.next(given, known) == send_queue::order::finish);
  queue.cancel();
  CHECK(queue.next(given, known) == send_queue::order::stop);
}

TEST_CASE("descriptions reach the sender, and changed ones are told from those it has") {
  send_queue queue(100'000);
  queue.describe(2, {"eth0"});
  packet_batch batch = batch_of(1);
  queue.offer(batch);
  packet_batch given;
  std::vector<send_queue::description> known;
  REQUIRE(queue.next(given, known) == send_queue::order::send);
  REQUIRE(known.size() == 3);
  CHECK(known[0].version == 0);
  const auto version = known[2].version;
  queue.describe(2, {"eth1"});
  batch = batch_of(1);
  queue.offer(batch);
  REQUIRE(queue.next(given, known) == send_queue::order::send);
  CHECK(known[2].version != version);
}

TEST_CASE("who waits for room gets it when the sender has taken something") {
  send_queue queue(500);
  packet_batch batch = batch_of(4);
  REQUIRE(queue.offer(batch));
  std::thread sender([&queue] {
    packet_batch given;
    std::vector<send_queue::description> known;
    (void)queue.next(given, known);
  });
  CHECK(queue.await_room(400));
  sender.join();
  queue.cancel();
  CHECK_FALSE(queue.await_room(400));
}

TEST_CASE(
    "the pause after a failure is cut short by a cancel, and by an end with nothing to send") {
  send_queue idle(500);
  idle.end();
  CHECK_FALSE(idle.note_failed("no route", 0, 1h));
  send_queue cancelled(500);
  std::thread other([&cancelled] { cancelled.cancel(); });
  CHECK_FALSE(cancelled.note_failed("no route", 3, 1h));
  other.join();
  CHECK(cancelled.figures().unconfirmed == 3);
  CHECK(cancelled.figures().trouble == "no route");
}
