// SPDX-License-Identifier: MIT
#include <algorithm>

#include "format/verification.hpp"
#include "octets.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace captured::format;
using test::octets;
using test::recording_file;

namespace {

file_report judge(const octets& file, const std::string& name = "a.pcapng") {
  memory_source source(file);
  return verify_file(name, source);
}

/// "fault: text" of each finding that is more than a note.
std::vector<std::string> complaints(const std::vector<finding>& findings) {
  std::vector<std::string> texts;
  for (const finding& each : findings) {
    if (each.level != severity::note) {
      texts.push_back((each.level == severity::fault ? "fault: " : "loss: ") + each.text);
    }
  }
  return texts;
}

using texts = std::vector<std::string>;

/// Two interfaces, one of them described twice, no loss.
recording_file good_file(recording_note note = test::first_note()) {
  recording_file file(std::move(note));
  const auto eth0 = file.add_interface("eth0");
  const auto eth1 = file.add_interface("eth1");
  file.add_packets(eth0, 3);
  file.add_statistics(eth0);
  file.add_packets(eth1, 2);
  const auto eth0_again = file.add_interface("eth0");
  file.add_packets(eth0_again, 4);
  file.add_statistics(eth1);
  file.add_statistics(eth0_again);
  return file;
}

/// Three files of one recording, as verify_file sees them.
std::vector<file_report> good_chain() {
  recording_file first = good_file();
  recording_file second = good_file(first.next_note("1.pcapng"));
  recording_file third = good_file(second.next_note("2.pcapng"));
  return {judge(first.finish(), "d/1.pcapng"), judge(second.finish(), "d/2.pcapng"),
          judge(third.finish("stop"), "d/3.pcapng")};
}

}  // namespace

TEST_CASE("a good file is closed, without faults or losses") {
  recording_file file = good_file();
  const octets all = file.finish("stop");
  const file_report report = judge(all);
  CHECK(report.state == file_state::closed);
  CHECK(complaints(report.findings) == texts{});
  CHECK(report.faults + report.losses == 0);
  CHECK(report.packets == 9);
  CHECK(report.interfaces.at("eth0").packets == 7);
  CHECK(report.octets == all.size());
}

TEST_CASE("drops that the file accounts for are a loss, not a fault") {
  recording_file file(test::first_note());
  const auto id = file.add_interface("eth0");
  file.add_packets(id, 5, 7);
  file.totals()["eth0"].osdrop += 2;  // fell after the last packet
  file.totals()["eth0"].unwritten += 4;
  file.add_statistics(id);
  const file_report report = judge(file.finish("stop"));
  CHECK(report.state == file_state::closed);
  CHECK(complaints(report.findings) == texts{"loss: eth0: the kernel dropped 9 packets",
                                             "loss: eth0: the disk did not take 4 packets"});
  CHECK(report.interfaces.at("eth0").dropcount_sum == 7);
}

TEST_CASE("a file cut at any octet is never taken as closed") {
  recording_file file = good_file();
  const octets all = file.finish();
  for (std::size_t size = 0; size < all.size(); ++size) {
    const octets cut(all.begin(), all.begin() + static_cast<long>(size));
    const file_report report = judge(cut);
    CHECK((report.state == file_state::broken || report.state == file_state::cut));
    CHECK(report.faults == 1);
    CHECK(report.octets <= size);
    const file_report part = judge(cut, "a.pcapng.part");
    CHECK(part.state == file_state::open);
    CHECK(part.faults == 0);
    CHECK(part.octets == report.octets);
  }
}

TEST_CASE("space that is preallocated and not yet written is no fault of a file being written") {
  recording_file file = good_file();
  octets all = file.raw();
  const std::size_t whole = all.size();
  const octets frame = test::arp_frame();
  test::append_packet(all, 0, test::view_of(frame));
  const std::size_t size = all.size() + 4096;
  // Of the last packet, only so much is written yet.
  for (std::size_t written = whole; written < all.size(); written += 4) {
    octets part(all.begin(), all.begin() + static_cast<long>(written));
    part.resize(size);
    const file_report report = judge(part, "a.pcapng.part");
    CHECK(report.state == file_state::open);
    CHECK(report.octets == whole);
    CHECK(report.faults == 0);
    CHECK(judge(part).faults == 1);
  }
}

TEST_CASE("damage in the middle of a file being written is a fault") {
  recording_file file = good_file();
  octets all = file.raw();
  all[all.size() - 4] = std::byte{0x55};
  const file_report report = judge(all, "a.pcapng.part");
  CHECK(report.state == file_state::broken);
  CHECK(complaints(report.findings) ==
        texts{"fault: the length behind the block is not the one before it"});
  CHECK(report.findings.at(0).offset == report.octets);
}

TEST_CASE("an empty file is broken, an empty file being written is not") {
  CHECK(complaints(judge({}).findings) == texts{"fault: the file is empty"});
  CHECK(judge({}, "a.pcapng.part").state == file_state::open);
  CHECK(judge(octets(8192), "a.pcapng.part").state == file_state::open);
}

TEST_CASE("a packet too few or too many does not go unnoticed") {
  recording_file file = good_file();
  file.totals()["eth1"].stored += 1;
  const file_report report = judge(file.finish());
  CHECK(complaints(report.findings) ==
        texts{"fault: eth1: the notes count from 0 to 3 stored packets, but the file holds 2 "
              "packets",
              "fault: eth1: isb_usrdeliv is 2 in the last statistics, 3 in the last note"});
}

TEST_CASE("drops told by packets but not by the notes are a fault") {
  recording_file file(test::first_note());
  const auto id = file.add_interface("eth0");
  file.add_packets(id, 5, 7);
  file.totals()["eth0"].osdrop = 6;
  file.add_statistics(id);
  CHECK(complaints(judge(file.finish()).findings) ==
        texts{"fault: eth0: the packets tell of 7 drops, the notes of 6",
              "loss: eth0: the kernel dropped 6 packets"});
}

TEST_CASE("a loss at the end of a file may be told by the first packet of the next") {
  recording_file first(test::first_note());
  const auto id = first.add_interface("eth0");
  first.add_packets(id, 5);
  first.totals()["eth0"].osdrop = 7;  // after the last packet
  first.add_statistics(id);
  recording_file second(first.next_note("1.pcapng"));
  second.add_interface("eth0");
  second.add_packets(id, 1, 7);
  second.totals()["eth0"].osdrop -= 7;  // they are counted already
  second.totals()["eth0"].osdrop += 2;
  second.add_statistics(id);
  recording_file third(second.next_note("2.pcapng"));
  third.add_interface("eth0");
  third.add_packets(id, 1, 3);
  third.totals()["eth0"].osdrop -= 3;
  third.add_statistics(id);
  const std::vector<file_report> chain{judge(first.finish(), "1.pcapng"),
                                       judge(second.finish(), "2.pcapng"),
                                       judge(third.finish("stop"), "3.pcapng")};
  CHECK(chain[1].faults + chain[2].faults == 0);
  const auto whole = verify_chains(std::span(chain).first(2));
  CHECK(complaints(whole) == texts{});
  REQUIRE(whole.size() == 1);
  CHECK(whole[0].text == "eth0: 7 drops told by packets + 2 not told by any here = osdrop 9");
  CHECK(complaints(verify_chains(chain)) ==
        texts{"fault: eth0: the packets since the recording began tell of 10 drops, the note at "
              "the end of 9"});
}

TEST_CASE("at a stop the ledger must balance to the packet") {
  recording_file file(test::first_note());
  const auto id = file.add_interface("eth0");
  file.add_packets(id, 5);
  interface_statistics_block statistics;
  statistics.interface_id = id;
  statistics.filter_accept = 6;
  statistics.os_drop = 0;
  statistics.user_deliver = 5;
  append(file.raw(), statistics);
  CHECK(complaints(judge(recording_file(file).finish("rotation")).findings) == texts{});
  CHECK(complaints(judge(file.finish("stop")).findings) ==
        texts{"fault: eth0: isb_filteraccept is 6 in the last statistics, 5 in the last note"});
}

TEST_CASE("a closed file needs statistics with all figures for each interface") {
  recording_file file(test::first_note());
  const auto id = file.add_interface("eth0");
  file.add_packets(id, 1);
  CHECK(complaints(judge(recording_file(file).finish()).findings) ==
        texts{"fault: eth0: there is no statistics block"});
  interface_statistics_block statistics;
  statistics.user_deliver = 1;
  append(file.raw(), statistics);
  CHECK(complaints(judge(file.finish()).findings) ==
        texts{"fault: eth0: the last statistics have no isb_osdrop"});
}

TEST_CASE("blocks behind the last one, and blocks of interfaces not described, are faults") {
  recording_file file = good_file();
  const octets frame = test::arp_frame();
  octets all = recording_file(file).finish();
  const std::size_t size = all.size();
  test::append_packet(all, 0, test::view_of(frame));
  const file_report behind = judge(all);
  CHECK(behind.state == file_state::broken);
  CHECK(complaints(behind.findings) ==
        texts{"fault: blocks follow the one that should be the last"});
  CHECK(behind.findings.at(0).offset == size);

  test::append_packet(file.raw(), 9, test::view_of(frame));
  CHECK(complaints(judge(file.finish()).findings) ==
        texts{"fault: the block is of interface 9, not described"});
}

TEST_CASE("a file without a note is foreign: only its structure can be judged") {
  octets file;
  append(file, section_header_block{});
  append(file, interface_description_block{});
  const file_report report = judge(file);
  CHECK(report.state == file_state::foreign);
  CHECK(report.faults == 0);
  CHECK(report.interfaces.count("#0") == 1);
}

TEST_CASE("what repair cut off is a loss") {
  recording_file file = good_file();
  CHECK(complaints(judge(file.finish("recovered", 100)).findings) ==
        texts{"loss: repair cut off 100 octets"});
}

TEST_CASE("findings of one file are bounded, and what is left out is counted") {
  recording_file file(test::first_note());
  for (int i = 0; i < 50; ++i) {
    const auto id = file.add_interface("eth" + std::to_string(i));
    file.add_packets(id, 1, 1);
    file.add_statistics(id);
  }
  const file_report report = judge(file.finish());
  CHECK(report.findings.size() == findings_per_file_max);
  CHECK(report.findings_left_out == 30);
  CHECK(report.losses == 50);
}

TEST_CASE("a chain of files without gaps has nothing to complain of, in any order") {
  std::vector<file_report> chain = good_chain();
  CHECK(chain[2].faults == 0);
  CHECK(chain[2].note->totals.at("eth0").stored == 14);
  do {
    CHECK(complaints(verify_chains(chain)) == texts{});
  } while (std::next_permutation(chain.begin(), chain.end(),
                                 [](const auto& a, const auto& b) { return a.name < b.name; }));
}

TEST_CASE("files removed at the start are no gap, files removed in the middle are") {
  std::vector<file_report> chain = good_chain();
  CHECK(complaints(verify_chains(std::span(chain).subspan(1))) == texts{});
  chain.erase(chain.begin() + 1);
  CHECK(complaints(verify_chains(chain)) ==
        texts{"fault: 1 file is missing between \"1.pcapng\" (1) and this one (3)"});
}

TEST_CASE("a file that does not name its predecessor, or its totals, is found") {
  std::vector<file_report> chain = good_chain();
  chain[1].note->previous = "other.pcapng";
  chain[2].note->previous.reset();
  chain[2].note->totals["eth0"].osdrop = 1;
  CHECK(complaints(verify_chains(chain)) ==
        texts{"fault: it names \"other.pcapng\" as its predecessor, which should be \"1.pcapng\"",
              "fault: it names no predecessor, which should be \"2.pcapng\"",
              "fault: eth0: it begins with 1 osdrop, but \"2.pcapng\" ended with 0"});
}

TEST_CASE("packets that a file begins without, as an earlier one lost them late, are a loss") {
  std::vector<file_report> chain = good_chain();
  auto& begun = chain[2].note->totals["eth0"];
  begun.stored -= 3;
  begun.unwritten += 3;
  CHECK(complaints(verify_chains(chain)) ==
        texts{"loss: eth0: 3 packets that were counted as stored were not taken by the disk after "
              "all"});
  begun.stored += 4;  // more than are known to be lost cannot have been taken back
  CHECK(complaints(verify_chains(chain)).size() == 2);
  CHECK(complaints(verify_chains(chain)).front().starts_with("fault: "));
}

TEST_CASE("what was to be in a file that never got its name is a loss before the next one") {
  std::vector<file_report> chain = good_chain();
  auto& begun = chain[2].note->totals["eth0"];
  begun.unwritten += 5;
  begun.osdrop += 2;
  CHECK(complaints(verify_chains(chain)) ==
        texts{"loss: eth0: 5 packets before it were not taken by the disk, with the file they were "
              "to be in",
              "loss: eth0: 2 drops were told in a file that the disk did not take"});
  begun.unwritten -= 5;
  CHECK(complaints(verify_chains(chain)).front().starts_with("fault: eth0: it begins with 2 osd"));
}

TEST_CASE("a file whose name was taken is the predecessor all the same") {
  std::vector<file_report> chain = good_chain();
  chain[0].name = "/captures/1+1.pcapng";
  CHECK(complaints(verify_chains(chain)) == texts{});
  const auto found = verify_chains(chain);
  CHECK(std::any_of(found.begin(), found.end(), [](const finding& one) {
    return one.level == severity::note &&
           one.text ==
               "its predecessor \"1+1.pcapng\" was to be called \"1.pcapng\", which another file "
               "had taken";
  }));
  for (const char* const other : {"1+.pcapng", "1+x.pcapng", "1+1", "11.pcapng", "2+1.pcapng"}) {
    chain[0].name = other;
    CHECK(complaints(verify_chains(chain)).size() == 1);
  }
}

TEST_CASE("an interface that the next file forgets is found") {
  std::vector<file_report> chain = good_chain();
  chain[1].note->totals.erase("eth1");
  CHECK(complaints(verify_chains(chain)) ==
        texts{"fault: eth1: it begins with 0 stored, but \"1.pcapng\" ended with 2"});
}

TEST_CASE("a sequence number that comes twice is found, other outputs have their own") {
  std::vector<file_report> chain = good_chain();
  chain[2].note->sequence = 2;
  CHECK(complaints(verify_chains(chain)) ==
        texts{"fault: it has the same sequence number as \"2.pcapng\", 2"});
  chain[2].note->output = "second";
  CHECK(complaints(verify_chains(chain)) == texts{});
}

TEST_CASE("a new recording begins from zero while the sequence goes on") {
  recording_file last = good_file();
  recording_note note = last.next_note("1.pcapng");
  note.recording = "another";
  const std::vector<file_report> wrong{judge(recording_file(last).finish("stop"), "1.pcapng"),
                                       judge(good_file(note).finish(), "2.pcapng")};
  CHECK(complaints(verify_chains(wrong)) ==
        texts{"fault: eth0: a new recording begins, but not from zero",
              "fault: eth1: a new recording begins, but not from zero"});
  note.totals.clear();
  const std::vector<file_report> right{judge(recording_file(last).finish("stop"), "1.pcapng"),
                                       judge(good_file(note).finish(), "2.pcapng")};
  CHECK(complaints(verify_chains(right)) == texts{});
  const std::vector<file_report> lost{judge(last.finish("rotation"), "1.pcapng"),
                                      judge(good_file(note).finish(), "2.pcapng")};
  CHECK(complaints(verify_chains(lost)) ==
        texts{"loss: the recording went on after this file, but its next file was never written"});
}

TEST_CASE("the file being written belongs to the chain") {
  recording_file first = good_file();
  recording_file second = good_file(first.next_note("1.pcapng"));
  const std::vector<file_report> chain{judge(first.finish(), "1.pcapng"),
                                       judge(second.raw(), "2.pcapng.part")};
  CHECK(chain[1].state == file_state::open);
  CHECK(complaints(verify_chains(chain)) == texts{});
  recording_file third = good_file(second.next_note("2.pcapng"));
  const std::vector<file_report> closing{judge(first.raw(), "1.pcapng.part"), chain[1]};
  CHECK(complaints(verify_chains(closing)) == texts{});
}
