#include "jobs/stage_parser.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "jobs/condition.h"
#include "jobs/edit_distance.h"
#include "jobs/failure_parser.h"
#include "jobs/job_keys.h"
#include "jobs/matrix.h"
#include "jobs/option_reader.h"
#include "jobs/quote.h"

namespace gorun::jobs {
namespace {

// Letters, digits, "_", "-" and all that is not ASCII. A dot separates a port from its stage, and
// brackets hold the values of a matrix.
bool is_stage_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || (static_cast<unsigned char>(c) & 0x80U) != 0;
  });
}

// Reads one stage, or one of those that a matrix makes of it.
class StageParser {
 public:
  StageParser(const JsonMember& member, const JsonObject* defaults, ValueReader reader)
      : member_(member), defaults_(defaults), reader_(reader) {
    stage_.group = member.key;
    stage_.name = member.key;
    stage_.name_where = member.key_where;
    const MatrixValues* matrix = reader.scope().matrix;
    if (matrix == nullptr) return;
    for (std::size_t i = 0; i < matrix->size(); ++i) {
      stage_.name.append(i == 0 ? "[" : ",").append((*matrix)[i].second);
    }
    stage_.name += ']';
  }

  StageDecl parse() && {
    const JsonObject& object = *member_.value.object();
    read_kind(object);
    for (const JsonMember& member : object) read_member(member);
    if (stage_.kind && defaults_ != nullptr) read_defaults(object);
    if (stage_.kind) require_options();
    if (stage_.kind && stage_.are_options_right && !stage_.workers_where &&
        stage_.kind->wants_one_worker && stage_.kind->wants_one_worker(stage_.options)) {
      stage_.workers = 1;
    }
    return std::move(stage_);
  }

 private:
  void read_kind(const JsonObject& object) {
    const JsonMember* member = find_member(object, "kind");
    if (!member) {
      reader_.blame(stage_.name_where, "stage " + quote(stage_.group) + " has no \"kind\"",
                    "\"gorun stages\" lists the kinds");
      return;
    }
    const std::string* name = member->value.text();  // no expression: a reader shall see it
    if (name == nullptr) {
      reader_.blame_type("kind", "a string", member->value);
      return;
    }
    stage_.kind = find_kind(*name);
    if (!stage_.kind) {
      std::vector<std::string_view> names;
      for (const StageKind& kind : stage_kinds()) names.push_back(kind.name);
      std::string hint = did_you_mean(*name, names);
      if (hint.empty()) hint = "\"gorun stages\" lists the kinds";
      reader_.blame(member->value.where, "unknown kind " + quote(*name), std::move(hint));
      return;
    }
    stage_.options = default_options(*stage_.kind);
    stage_.workers = stage_.kind->default_workers;
  }

  void read_member(const JsonMember& member) {
    const std::string& key = member.key;
    if (key == "kind" || key == "matrix" || key.starts_with("x-")) return;
    if (stage_.kind && read_failure_or_order(member)) return;
    if (key == "from") {
      stage_.from_where = member.key_where;
      stage_.from = read_inputs(member.value);
    } else if (key == "needs") {
      stage_.needs = read_needs(member.value);
    } else if (key == "when") {
      read_when(member.value);
    } else if (key == "if") {
      stage_.is_wanted = read_condition(member.value, &reader_).value_or(true);
    } else if (key == "pool") {
      stage_.pool_where = member.value.where;
      stage_.pool = reader_.name("pool", member.value).value_or("");
    } else if (key == "weight") {
      stage_.weight_where = member.value.where;
      stage_.weight = reader_.integer("weight", member.value, 1, kMaxPool).value_or(1);
    } else if (key == "workers") {
      read_workers(member.value);
    } else if (key == "buffer") {
      stage_.buffer_where = member.key_where;
      stage_.buffer =
          reader_.integer("buffer", member.value, 1, kMaxBuffer).value_or(kDefaultBuffer);
    } else if (stage_.kind) {
      read_stage_option(member);
    }
    // Without a kind nobody knows which options are right.
  }

  // Keys that only some kinds take. False: the key is none of them, or the kind's own.
  bool read_failure_or_order(const JsonMember& member) {
    static constexpr std::array<std::string_view, 6> kKeys = {"timeout",  "retry", "tolerate",
                                                              "on_error", "order", "window"};
    const std::string& key = member.key;
    if (std::ranges::find(kKeys, key) == kKeys.end() || stage_.kind->option(key) != nullptr) {
      return false;
    }
    if (!stage_.kind->takes(key)) {
      reader_.blame(member.key_where,
                    quote(key) + " has no effect in kind " + quote(stage_.kind->name),
                    std::string(why_no_effect(key)));
      return true;
    }
    const OptionRow& row = *find_key(common_stage_keys(), key);
    const JsonValue& value = member.value;
    FailurePolicy& failure = stage_.failure;
    if (key == "timeout") {
      if (const auto length = reader_.duration(key, value, row.min)) {
        failure.timeout = std::chrono::nanoseconds(*length);
      }
    } else if (key == "retry") {
      failure.retry = read_retry(value, &reader_).value_or(Retry());
    } else if (key == "tolerate") {
      failure.tolerate = read_tolerate(value, &reader_).value_or(Tolerate());
    } else if (key == "on_error") {
      stage_.on_error_where = value.where;
      const std::string word = reader_.choice(key, value, row.choices).value_or("fail");
      failure.on_error = word == "continue" ? OnError::kContinue
                         : word == "route"  ? OnError::kRoute
                                            : OnError::kFail;
    } else if (key == "order") {
      stage_.order_where = member.key_where;
      stage_.keeps_order = reader_.choice(key, value, row.choices) == "input";
    } else {
      stage_.window_where = member.key_where;
      stage_.window = reader_.integer(key, value, row.min, row.max).value_or(kDefaultWindow);
    }
    return true;
  }

  std::string_view why_no_effect(std::string_view key) const {
    if (key == "order" || key == "window") {
      return stage_.kind->is_source() ? "it takes no items"
                                      : "it runs in one goroutine, which keeps the order";
    }
    return stage_.kind->failures == ItemFailures::kNone ? "its items do not fail one by one"
                                                        : "a second attempt would end as the first";
  }

  // What the stage does not say itself, and its kind can do.
  void read_defaults(const JsonObject& object) {
    for (const int turn : {0, 1, 2}) {
      for (const JsonMember& member : *defaults_) {
        if (turn_of(member.key) == turn && find_member(object, member.key) == nullptr &&
            takes_default(member.key)) {
          read_member(member);
        }
      }
    }
  }

  // Whether a key is of use may depend on those of the turns before.
  static int turn_of(std::string_view key) {
    static constexpr std::array<std::string_view, 10> kFirst = {
        "argv", "by", "cut", "inputs", "jobserver", "output", "outputs", "path", "stdin", "stdout"};
    if (key == "weight") return 2;  // "pool" decides
    return std::ranges::find(kFirst, key) != kFirst.end() ? 0 : 1;
  }

  bool takes_default(std::string_view key) const {
    if (key == "workers") return stage_.kind->parallel;
    if (key == "buffer") return stage_.from_where.has_value();
    if ((key == "batch" || key == "stdin") && !stage_.from_where) return false;  // it has no items
    if (key == "weight") return !stage_.pool.empty();
    const bool is_common = key == "pool" || key == "timeout" || key == "retry" ||
                           key == "tolerate" || key == "on_error";
    const bool has_key = is_common ? stage_.kind->takes(key) : stage_.kind->option(key) != nullptr;
    if (!has_key) return false;
    return stage_.kind->heeds == nullptr || stage_.kind->heeds(stage_.options, key);
  }

  void read_when(const JsonValue& value) {
    const OptionRow& row = *find_key(common_stage_keys(), "when");
    const std::string word = reader_.choice("when", value, row.choices).value_or("success");
    stage_.when = word == "always"    ? When::kAlways
                  : word == "failure" ? When::kFailure
                                      : When::kSuccess;
    stage_.when_where = value.where;
  }

  void read_stage_option(const JsonMember& member) {
    const OptionRow* row = stage_.kind->option(member.key);
    if (!row) {
      blame_unknown_key(member);
      return;
    }
    auto value = read_option(*row, member.value, &reader_);
    stage_.are_options_right = stage_.are_options_right && value.has_value();
    if (value) stage_.options.set(row->name, std::move(*value), member.value.where);
  }

  void blame_unknown_key(const JsonMember& member) {
    std::vector<std::string_view> known;
    for (const OptionRow& row : common_stage_keys()) known.push_back(row.name);
    for (const OptionRow& row : stage_.kind->options) known.push_back(row.name);
    std::string hint = did_you_mean(member.key, known);
    if (hint.empty()) {
      hint = "\"gorun stages " + std::string(stage_.kind->name) + "\" lists the keys of this kind";
    }
    reader_.blame(member.key_where, "unknown key " + quote(member.key), std::move(hint));
    // A misspelt option must not be missed as well.
    stage_.are_options_right = false;
  }

  // Of the stage itself or of the job's defaults. What could not be read has been blamed.
  void require_options() {
    for (const OptionRow& row : stage_.kind->options) {
      if (!row.required || stage_.options.has(row.name)) continue;
      if (stage_.are_options_right) {
        reader_.blame(stage_.name_where,
                      "stage " + quote(stage_.group) + " has no " + quote(row.name),
                      std::string(row.name) + ": " + std::string(row.help));
      }
      stage_.are_options_right = false;
    }
  }

  void read_workers(const JsonValue& value) {
    stage_.workers_where = value.where;
    static_assert(kOnePerP == 0);  // what integer_or_word() makes of the word
    const auto workers = reader_.integer_or_word("workers", value, 1, kMaxWorkers, "cpus");
    if (workers) stage_.workers = static_cast<int>(*workers);
  }

  std::vector<StageRef> read_inputs(const JsonValue& value) {
    std::vector<StageRef> refs;
    if (value.array()) {
      if (value.array()->empty()) reader_.blame(value.where, "\"from\" is empty");
      for (const JsonValue& element : *value.array()) add_input(element, &refs);
    } else {
      add_input(value, &refs);
    }
    return refs;
  }

  void add_input(const JsonValue& value, std::vector<StageRef>* refs) {
    std::optional<StageRef> ref;
    if (value.text()) {
      ref = input_of_text(value);
    } else if (value.object()) {
      ref = input_of_object(value);
    } else {
      reader_.blame_type("from", "a string, an object or an array of them", value);
    }
    if (ref) {
      refs->push_back(std::move(*ref));
    } else {
      stage_.is_from_right = false;
    }
  }

  std::optional<StageRef> input_of_text(const JsonValue& value) {
    const auto text = reader_.text("from", value);
    if (!text) return std::nullopt;
    StageRef ref;
    ref.where = ref.stage_where = ref.port_where = value.where;
    // The values of a matrix may hold dots: test[3.11].out
    const std::size_t bracket = text->rfind(']');
    const std::size_t dot = text->find('.', bracket == std::string::npos ? 0 : bracket);
    ref.stage = text->substr(0, dot);
    if (dot == std::string::npos) return ref;
    ref.port = text->substr(dot + 1);
    const bool has_both = dot > 0 && dot + 1 < text->size();
    // With a var inside, the parts have no places of their own.
    if (has_both && *text == *value.text()) {
      const std::size_t at = offset_in_source(reader_.source(), value.where, dot);
      ref.stage_where = {value.where.begin + 1, at};
      ref.port_where = {at + 1, value.where.end - 1};
    }
    return ref;
  }

  std::optional<StageRef> input_of_object(const JsonValue& value) {
    reader_.reject_unknown_keys(*value.object(), key_names(edge_keys()), "");
    const JsonMember* stage = find_member(*value.object(), "stage");
    if (!stage) {
      reader_.blame(value.where, "\"from\" has no \"stage\"");
      return std::nullopt;
    }
    auto name = reader_.text("stage", stage->value);
    if (!name) return std::nullopt;
    StageRef ref;
    ref.stage = std::move(*name);
    ref.stage_where = ref.port_where = stage->value.where;
    ref.where = value.where;
    if (const JsonMember* port = find_member(*value.object(), "port")) {
      auto port_name = reader_.text("port", port->value);
      if (!port_name) return std::nullopt;
      ref.port = std::move(*port_name);
      ref.port_where = port->value.where;
    }
    if (const JsonMember* buffer = find_member(*value.object(), "buffer")) {
      ref.buffer = reader_.integer("buffer", buffer->value, 1, kMaxBuffer);
    }
    if (const JsonMember* bytes = find_member(*value.object(), "bytes")) {
      const OptionRow& row = *find_key(edge_keys(), "bytes");
      ref.bytes =
          reader_.byte_size("bytes", bytes->value, row.min, row.max).value_or(kDefaultEdgeBytes);
    }
    return ref;
  }

  std::vector<StageRef> read_needs(const JsonValue& value) {
    return read_stage_names("needs", value, &reader_);
  }

  const JsonMember& member_;
  const JsonObject* const defaults_;  // nullptr: the job has none
  ValueReader reader_;
  StageDecl stage_;
};

// One that is wrong in itself, so that references to it are not wrong as well.
StageDecl wrong_stage(const JsonMember& member) {
  StageDecl stage;
  stage.name = stage.group = member.key;
  stage.name_where = member.key_where;
  stage.is_from_right = false;
  return stage;
}

}  // namespace

std::vector<StageRef> read_stage_names(std::string_view key, const JsonValue& value,
                                       ValueReader* reader) {
  std::vector<StageRef> refs;
  const auto add = [&](const JsonValue& name) {
    auto text = reader->text(key, name);
    if (!text) return;
    StageRef ref;
    ref.stage = std::move(*text);
    ref.stage_where = ref.port_where = ref.where = name.where;
    refs.push_back(std::move(ref));
  };
  if (value.array()) {
    for (const JsonValue& name : *value.array()) add(name);
  } else if (value.text()) {
    add(value);
  } else {
    reader->blame_type(key, "a string or an array of strings", value);
  }
  return refs;
}

std::vector<StageDecl> parse_stage(const JsonMember& member, const JsonObject* defaults,
                                   ValueReader* reader) {
  if (!is_stage_name(member.key)) {
    reader->blame(member.key_where, quote(member.key) + " is not a stage name",
                  "a stage name has letters, digits, \"_\" and \"-\"");
  }
  std::vector<StageDecl> stages;
  if (!member.value.object()) {
    reader->blame_kind_of("stage " + quote(member.key), "an object", member.value);
    stages.push_back(wrong_stage(member));
    return stages;
  }
  const JsonMember* matrix = find_member(*member.value.object(), "matrix");
  if (matrix == nullptr) {
    stages.push_back(StageParser(member, defaults, *reader).parse());
    return stages;
  }
  const auto combinations = read_matrix(matrix->value, reader);
  if (!combinations) {
    stages.push_back(wrong_stage(member));
    return stages;
  }
  std::set<std::string> names;
  for (const MatrixValues& values : *combinations) {
    stages.push_back(StageParser(member, defaults, reader->with_matrix(&values)).parse());
    if (names.insert(stages.back().name).second) continue;
    reader->blame(matrix->value.where,
                  "two combinations of the matrix are called " + quote(stages.back().name));
    stages.pop_back();
  }
  return stages;
}

}  // namespace gorun::jobs
