// SPDX-License-Identifier: MIT
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "daemon/privileges.hpp"
#include "daemon/reload.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace captured;
using namespace captured::daemon;

namespace {

const std::string good =
    "interfaces: [{name: eth0, filter: udp}]\n"
    "outputs: [{directory: /tmp, retain: {size: 0, free: 0}}]\n";

struct reload_rig {
  testing::temporary_folder folder;
  boost::asio::io_context context;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
      context.get_executor()};
  std::vector<base::failure> failures;
  int carried_out = 0;
  reload one{context,
             folder.path() / "captured.yaml",
             {.override_by_command_line = [](settings::configuration& it) { it.user = "me"; },
              .carry_out =
                  [this](const settings::configuration& wanted, auto done) {
                    ++carried_out;
                    CHECK(wanted.user == "me");
                    done(failures);
                  }}};

  reload_outcome run() {
    reload_outcome outcome;
    one.async_run([&outcome](const reload_outcome& how) { outcome = how; });
    while (one.is_reading()) {
      context.run_one();
    }
    return outcome;
  }
};

}  // namespace

TEST_CASE("missing folders are listed from the outside inwards, each once") {
  const testing::temporary_folder folder;
  const std::string there = folder.path();
  CHECK(missing_folders({there, there + "/"}).empty());
  CHECK(missing_folders({there + "/a/b", there + "/a//c/", "/"}) ==
        std::vector<std::string>{there + "/a", there + "/a/b", there + "/a//c"});
}

TEST_CASE("a good configuration is carried out, with the command line over it") {
  reload_rig rig;
  rig.folder.write("captured.yaml", good);
  settings::configuration started;
  started.user = "me";
  rig.one.set_started(started);
  const auto outcome = rig.run();
  CHECK(outcome.errors.empty());
  CHECK(outcome.warnings.empty());
  CHECK(rig.carried_out == 1);
}

TEST_CASE("a bad configuration is not carried out, and each of its errors is told") {
  reload_rig rig;
  rig.folder.write("captured.yaml", "interfaces: [{nam: eth0}]\nstop_timeout: never\n");
  const auto outcome = rig.run();
  REQUIRE(outcome.errors.size() >= 2);
  CHECK(outcome.errors[0].find("captured.yaml:1:15: ") != std::string::npos);
  CHECK(rig.carried_out == 0);
  rig.folder.write("captured.yaml", good + "user: [\n");
  CHECK(rig.run().errors.size() == 1);
  rig.folder.write("captured.yaml",
                   "interfaces: [{name: eth0, filter: port nonsense}]\noutputs: [{}]\n");
  CHECK(rig.run().errors.size() == 1);
  CHECK(rig.carried_out == 0);
}

TEST_CASE("what the recording could not do is an error of the reload") {
  reload_rig rig;
  rig.folder.write("captured.yaml", good);
  rig.failures = {base::invalid_input("interface eth0", "it refuses the filter")};
  CHECK(rig.run().errors == std::vector<std::string>{"interface eth0: it refuses the filter"});
}

TEST_CASE("a second reload while one is under way is refused, and none is run without a file") {
  reload_rig rig;
  rig.folder.write("captured.yaml", good);
  int done = 0;
  rig.one.async_run([&done](const reload_outcome&) { ++done; });
  reload_outcome second;
  rig.one.async_run([&second](const reload_outcome& how) { second = how; });
  CHECK(second.errors.size() == 1);
  CHECK(done == 0);
  while (done == 0) {
    rig.context.run_one();
  }
  reload none(rig.context, "", {});
  none.async_run([&second](const reload_outcome& how) { second = how; });
  CHECK(second.errors[0].find("--config") != std::string::npos);
}

TEST_CASE("keys that a reload cannot change are named") {
  settings::configuration one;
  settings::configuration other;
  other.stop_timeout = std::chrono::seconds(3);
  CHECK(keys_of_a_start(one, other).empty());
  other.writer.threads = 4;
  other.keep_rings = settings::keep_rings_mode::off;
  other.control.mode = 0600;
  CHECK(keys_of_a_start(one, other) ==
        std::vector<std::string>{"writer", "keep_rings", "control.mode"});
}
