// SPDX-License-Identifier: MIT
//
// The strand on real threads and a real folder: what the sanitizers are to look at.
#include <future>
#include <memory>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include "pipeline/writer.hpp"
#include "storage/file_writer.hpp"
#include "support/catch.hpp"
#include "support/recorder_rig.hpp"
#include "support/temporary_folder.hpp"

using namespace std::chrono_literals;
namespace pipeline = captured::pipeline;
namespace storage = captured::storage;
using captured::test::numbered_frame;
using captured::test::read_file;
using captured::test::scripted_source;

namespace {

pipeline::open_files_events silent_events() {
  pipeline::open_files_events events;
  events.begun = [](const std::string&) {};
  events.closed = [](const pipeline::closed_file&) {};
  events.trouble = [](const captured::base::failure&) {};
  events.recovered = [] {};
  return events;
}

}  // namespace

TEST_CASE("a strand on several threads records everything while it is told to rotate") {
  constexpr std::uint32_t packets = 30'000;
  const captured::testing::temporary_folder folder;
  scripted_source source({.block_count = 16});
  pipeline::ring_feed feed(source);
  pipeline::interface_ledger ledger;
  boost::asio::thread_pool pool(2);
  std::promise<pipeline::recorder_outcome> ended;
  pipeline::writer writer(pool.get_executor(), [&ended](const pipeline::recorder_outcome& how) {
    ended.set_value(how);
  });
  auto files =
      storage::file_writer::start(folder.open(), [&writer](const storage::file_completion& done) {
        writer.complete(done);
      }).value();
  pipeline::output_interface what;
  what.description.block.name = "if0";
  what.feed = &feed;
  what.ledger = &ledger;
  pipeline::recorder_surroundings around;
  around.files = files.get();
  around.events = silent_events();
  pipeline::output_options options;
  options.flush_interval = 5ms;
  writer.attach(pipeline::output_recorder::make(options, {.recording = "test"}, std::move(around),
                                                pipeline::read_clocks())
                    .value());
  writer.start();
  std::promise<bool> added;
  writer.add(what,
             [&added](const captured::base::result<>& how) { added.set_value(how.has_value()); });
  REQUIRE(added.get_future().get());
  std::uint32_t refused = 0;
  for (std::uint32_t number = 0; number < packets; ++number) {
    refused += source.produce({.data = numbered_frame(number, 64)}) ? 0u : 1u;
    if (number % 16 == 15) {
      source.retire();
      if (feed.offer_finished_blocks() > 0) {
        writer.wake();
      }
    }
    if (number % 1500 == 0) {
      writer.rotate();
    }
  }
  source.retire();
  feed.offer_finished_blocks();
  feed.close();
  writer.stop(pipeline::read_clocks().steady + 60s);
  const pipeline::recorder_outcome outcome = ended.get_future().get();
  files.reset();
  pool.stop();
  pool.join();
  CHECK_FALSE(outcome.gave_up);
  const auto figures = pipeline::read(ledger);
  CHECK(figures.balanced());
  CHECK(figures.osdrop == refused);
  std::uint64_t stored = 0;
  std::uint64_t dropcounts = 0;
  for (const std::string& name : folder.names()) {
    const std::string octets = folder.read(name);
    const auto file = read_file(captured::testing::octets_of(octets));
    CHECK(file.ended);
    stored += file.packets;
    dropcounts += file.dropcounts;
  }
  CHECK(stored == figures.stored);
  CHECK(dropcounts <= refused);
}

TEST_CASE("an act of the disk that ends when recorder and strand are gone harms nobody") {
  boost::asio::thread_pool pool(1);
  std::promise<void> ended;
  auto writer = std::make_unique<pipeline::writer>(
      pool.get_executor(), [&ended](const pipeline::recorder_outcome&) { ended.set_value(); });
  pipeline::recorder_surroundings around;
  around.events = silent_events();
  writer->attach(pipeline::output_recorder::make({}, {.recording = "test"}, std::move(around),
                                                 pipeline::read_clocks())
                     .value());
  writer->start();
  writer->stop(pipeline::read_clocks().steady + 60s);
  ended.get_future().get();
  std::promise<void> may_go_on;
  boost::asio::post(pool, [&] { may_go_on.get_future().get(); });
  writer->complete({.action = storage::file_action::measure});
  writer->drop_recorder();
  writer.reset();
  may_go_on.set_value();
  pool.join();
}
