// SPDX-License-Identifier: MIT
#include "format/recording_note.hpp"

#include <atomic>
#include <cstring>

#include <boost/json.hpp>

#include "base/check.hpp"
#include "format/block_walker.hpp"
#include "format/pcapng_codes.hpp"
#include "format/pcapng_parse.hpp"

namespace captured::format {
namespace {

namespace json = boost::json;

json::object totals_to_json(const recording_totals& totals) {
  json::object object;
  for (const auto& [name, each] : totals) {
    object[name] = json::object{
        {"stored", each.stored}, {"osdrop", each.osdrop}, {"unwritten", each.unwritten}};
  }
  return object;
}

/// Takes members out of one object and remembers the first that was not as it should be.
class member_reader {
 public:
  member_reader(std::string where, const json::object& object)
      : where_(std::move(where)), object_(object) {}

  const json::value* find(std::string_view name) {
    const json::value* value = object_.if_contains(name);
    if (value == nullptr) {
      complain(name, "is missing");
    }
    return value;
  }
  std::uint64_t number(std::string_view name) {
    if (const json::value* value = find(name)) {
      if (value->is_uint64()) {
        return value->get_uint64();
      }
      if (value->is_int64() && value->get_int64() >= 0) {
        return static_cast<std::uint64_t>(value->get_int64());
      }
      complain(name, "is not a whole number of at least 0");
    }
    return 0;
  }
  std::string text(std::string_view name) {
    if (const json::value* value = find(name)) {
      if (value->is_string()) {
        return std::string(value->get_string());
      }
      complain(name, "is not a string");
    }
    return {};
  }
  std::optional<std::string> text_or_null(std::string_view name) {
    const json::value* value = object_.if_contains(name);
    if (value != nullptr && value->is_null()) {
      return std::nullopt;
    }
    return text(name);
  }
  recording_totals totals(std::string_view name);
  /// Empty when it is not there: notes of earlier versions have none.
  std::map<std::string, std::uint64_t> numbers(std::string_view name);
  void complain(std::string_view name, std::string_view what) {
    if (problem_.empty()) {
      problem_ = "\"" + std::string(name) + "\" " + std::string(what);
    }
  }
  [[nodiscard]] bool failed() const { return !problem_.empty(); }
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] base::failure failure() const { return base::invalid_input(where_, problem_); }

 private:
  std::string where_;
  const json::object& object_;
  std::string problem_;
};

recording_totals member_reader::totals(std::string_view name) {
  recording_totals totals;
  const json::value* value = find(name);
  if (value == nullptr) {
    return totals;
  }
  if (!value->is_object()) {
    complain(name, "is not an object");
    return totals;
  }
  for (const auto& member : value->get_object()) {
    if (!member.value().is_object()) {
      complain(member.key(), "is not an object");
      continue;
    }
    member_reader of(where_, member.value().get_object());
    totals[std::string(member.key())] = {.stored = of.number("stored"),
                                         .osdrop = of.number("osdrop"),
                                         .unwritten = of.number("unwritten")};
    if (of.failed()) {
      complain(member.key(), "is wrong: " + of.problem());
    }
  }
  return totals;
}

std::map<std::string, std::uint64_t> member_reader::numbers(std::string_view name) {
  std::map<std::string, std::uint64_t> numbers;
  const json::value* value = object_.if_contains(name);
  if (value == nullptr) {
    return numbers;
  }
  if (!value->is_object()) {
    complain(name, "is not an object");
    return numbers;
  }
  member_reader of(where_, value->get_object());
  for (const auto& member : value->get_object()) {
    numbers[std::string(member.key())] = of.number(member.key());
  }
  if (of.failed()) {
    complain(name, "is wrong: " + of.problem());
  }
  return numbers;
}

base::result<json::object> parse_object(std::string_view text, const char* where) {
  json::parse_options options;
  options.max_depth = 16;
  options.allow_invalid_utf8 = true;  // names of interfaces are octets to the kernel
  base::error_code error;
  json::value value = json::parse(text, error, {}, options);
  if (error) {
    return base::failure{error, where, {}};
  }
  if (!value.is_object()) {
    return base::invalid_input(where, "the text is not a JSON object");
  }
  return std::move(value.get_object());
}

std::span<const std::byte> octets_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string_view text_of(std::span<const std::byte> octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

/// Type and length, kind where there is room for it, and trailer; not the number at offset 8.
void encode_own_block(std::byte* out, std::size_t total_bytes, own_block kind) noexcept {
  CAPTURED_CHECK(total_bytes >= filler_bytes_min && total_bytes % 4 == 0 &&
                 total_bytes <= block_bytes_max);
  const auto total = static_cast<std::uint32_t>(total_bytes);
  base::store_little(out, ring_filler_type);
  base::store_little(out + 4, total);
  base::store_little(out + 12, static_cast<std::uint32_t>(kind));
  base::store_little(out + total_bytes - sizeof total, total);
}

}  // namespace

std::string to_json(const recording_note& note) {
  json::object object{{"captured", recording_note_version},
                      {"recording", note.recording},
                      {"output", note.output},
                      {"sequence", note.sequence}};
  object["previous"] = note.previous ? json::value(*note.previous) : json::value(nullptr);
  object["begun_ns"] = note.begun_ns;
  object["totals"] = totals_to_json(note.totals);
  if (!note.untold.empty()) {
    json::object untold;
    for (const auto& [name, drops] : note.untold) {
      untold[name] = drops;
    }
    object["untold"] = std::move(untold);
  }
  if (note.forgotten) {
    object["forgotten"] = true;
  }
  return json::serialize(object);
}

std::string to_json(const end_note& note) {
  return json::serialize(json::object{{"reason", note.reason},
                                      {"totals", totals_to_json(note.totals)},
                                      {"lost_octets", note.lost_octets}});
}

base::result<recording_note> parse_recording_note(std::string_view text) {
  constexpr const char* where = "recording note";
  const auto object = parse_object(text, where);
  if (!object) {
    return object.error();
  }
  member_reader of(where, *object);
  const std::uint64_t version = of.number("captured");
  if (!of.failed() && version != static_cast<std::uint64_t>(recording_note_version)) {
    return base::invalid_input(where, "its version " + std::to_string(version) +
                                          " is not known here; a newer program is needed");
  }
  recording_note note{.recording = of.text("recording"),
                      .output = of.text("output"),
                      .sequence = of.number("sequence"),
                      .previous = of.text_or_null("previous"),
                      .begun_ns = of.number("begun_ns"),
                      .totals = of.totals("totals"),
                      .untold = of.numbers("untold")};
  if (of.failed()) {
    return of.failure();
  }
  const json::value* const forgotten = object->if_contains("forgotten");
  note.forgotten = forgotten != nullptr && forgotten->is_bool() && forgotten->get_bool();
  return note;
}

base::result<end_note> parse_end_note(std::string_view text) {
  constexpr const char* where = "end note";
  const auto object = parse_object(text, where);
  if (!object) {
    return object.error();
  }
  member_reader of(where, *object);
  end_note note{.reason = of.text("reason"),
                .totals = of.totals("totals"),
                .lost_octets = of.number("lost_octets")};
  if (of.failed()) {
    return of.failure();
  }
  return note;
}

base::result<custom_option> to_option(const recording_note& note) {
  const std::string text = to_json(note);
  if (text.size() > option_value_bytes_max - sizeof private_enterprise_number) {
    return base::invalid_input("recording note of " + note.output,
                               "there are too many interfaces for one option");
  }
  const auto octets = octets_of(text);
  return custom_option{.code = option::custom_text_not_copyable,
                       .pen = private_enterprise_number,
                       .value = {octets.begin(), octets.end()}};
}

std::optional<std::string_view> recording_note_text(const custom_option& option) {
  if (option.code != option::custom_text_not_copyable || option.pen != private_enterprise_number) {
    return std::nullopt;
  }
  return text_of(option.value);
}

std::optional<recording_note> read_recording_note(std::span<const std::byte> beginning) {
  block_walker walker;
  const auto step = walker.next(beginning);
  if (step.what != block_walker::status::block) {
    return std::nullopt;
  }
  std::uint64_t ignored = 0;
  const auto section = parse_section_header(step.block, ignored);
  if (!section) {
    return std::nullopt;
  }
  for (const custom_option& option : section->custom) {
    const auto text = recording_note_text(option);
    if (!text) {
      continue;
    }
    if (auto note = parse_recording_note(*text)) {
      return std::move(*note);
    }
  }
  return std::nullopt;
}

void append(std::vector<std::byte>& out, const end_note& note) {
  std::string text = to_json(note);
  text.resize(base::align_up(text.size(), std::size_t{4}), ' ');
  custom_block block{.copyable = false, .pen = private_enterprise_number, .data = {}};
  block.data.resize(sizeof(own_block));
  base::store_little(block.data.data(), static_cast<std::uint32_t>(own_block::end_of_file));
  const auto octets = octets_of(text);
  block.data.insert(block.data.end(), octets.begin(), octets.end());
  append(out, block);
}

std::optional<std::string_view> end_note_text(const custom_block& block, byte_order order) {
  if (block.copyable || block.pen != private_enterprise_number ||
      block.data.size() < sizeof(own_block) ||
      load<std::uint32_t>(block.data.data(), order) !=
          static_cast<std::uint32_t>(own_block::end_of_file)) {
    return std::nullopt;
  }
  return text_of(std::span(block.data).subspan(sizeof(own_block)));
}

void encode_filler(std::byte* out, std::size_t total_bytes) noexcept {
  std::memset(out, 0, total_bytes);
  encode_own_block(out, total_bytes, own_block::filler);
  base::store_little(out + 8, private_enterprise_number);
}

void append_filler(std::vector<std::byte>& out, std::size_t total_bytes) {
  const std::size_t at = out.size();
  out.resize(at + total_bytes);
  encode_filler(out.data() + at, total_bytes);
}

void encode_ring_block_head(std::byte* out, std::size_t total_bytes) noexcept {
  encode_own_block(out, total_bytes, own_block::ring_block_head);
  constexpr std::uint32_t number = std::endian::native == std::endian::little
                                       ? private_enterprise_number
                                       : base::byte_swap(private_enterprise_number);
  std::atomic_ref(*reinterpret_cast<std::uint32_t*>(out + 8))
      .store(number, std::memory_order_relaxed);
}

}  // namespace captured::format
