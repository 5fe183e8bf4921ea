#include "jobs/failure_parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "jobs/edit_distance.h"
#include "jobs/graph.h"
#include "jobs/job_keys.h"
#include "jobs/quote.h"

namespace gorun::jobs {
namespace {

struct CauseName {
  std::string_view name;
  FailureCause cause;
  bool has_code = false;
};

constexpr std::array<CauseName, 7> kCauses = {{{"timeout", FailureCause::kTimeout},
                                               {"exit", FailureCause::kExit, true},
                                               {"signal", FailureCause::kSignal, true},
                                               {"status", FailureCause::kStatus, true},
                                               {"network", FailureCause::kNetwork},
                                               {"io", FailureCause::kIo, true},
                                               {"other", FailureCause::kOther}}};

constexpr std::size_t kMostDigits = 5;  // of a code

std::optional<int> parse_code(std::string_view text) {
  int code = 0;
  const char* const end = text.data() + text.size();
  if (text.empty() || text.size() > kMostDigits ||
      text.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  const auto [rest, error] = std::from_chars(text.data(), end, code);
  return error == std::errc() && rest == end ? std::optional(code) : std::nullopt;
}

std::optional<RetryOn> read_cause(const JsonValue& value, ValueReader* reader) {
  const auto text = reader->text("on", value);
  if (!text) return std::nullopt;
  const std::size_t blank = text->find(' ');
  const std::string_view word = std::string_view(*text).substr(0, blank);
  const auto cause = std::ranges::find(kCauses, word, &CauseName::name);
  if (cause == kCauses.end()) {
    std::vector<std::string_view> names;
    names.reserve(kCauses.size());
    for (const CauseName& known : kCauses) names.push_back(known.name);
    reader->blame(value.where,
                  "\"on\": expected " + quote_list(names, "or") + ", got " + quote(*text),
                  did_you_mean(word, names));
    return std::nullopt;
  }
  if (blank == std::string::npos) return RetryOn{cause->cause, std::nullopt};
  const auto code = parse_code(std::string_view(*text).substr(blank + 1));
  if (code && cause->has_code) return RetryOn{cause->cause, code};
  reader->blame(value.where,
                cause->has_code
                    ? "\"on\": expected a number after " + quote(word) + ", got " + quote(*text)
                    : "\"on\": " + quote(word) + " has no number, got " + quote(*text));
  return std::nullopt;
}

bool read_causes(const JsonValue& value, ValueReader* reader, std::vector<RetryOn>* causes) {
  if (!value.array()) {
    const auto one = read_cause(value, reader);
    if (one) causes->push_back(*one);
    return one.has_value();
  }
  if (value.array()->empty()) {
    reader->blame(value.where, "\"on\" is empty", "without it every failure is tried again");
    return false;
  }
  bool is_right = true;
  for (const JsonValue& element : *value.array()) {
    const auto one = read_cause(element, reader);
    is_right = is_right && one.has_value();
    if (one) causes->push_back(*one);
  }
  return is_right;
}

// Reads the members of an object one by one; false once something was blamed.
class ObjectReader {
 public:
  ObjectReader(const JsonObject& object, std::span<const OptionRow> rows, ValueReader* reader)
      : object_(object), rows_(rows), reader_(*reader) {
    const std::vector<std::string_view> names = key_names(rows);
    reader_.reject_unknown_keys(object, names, "the keys here are " + quote_list(names));
    is_right_ = std::ranges::all_of(object, [&](const JsonMember& member) {
      return member.key.starts_with("x-") || find_key(rows, member.key) != nullptr;
    });
  }

  template <class Number>
  void integer(std::string_view key, Number* to) {
    read(key, to, [&](const OptionRow& row, const JsonValue& value) {
      return reader_.integer(key, value, row.min, row.max);
    });
  }
  template <class Number>
  void number(std::string_view key, Number* to) {
    read(key, to, [&](const OptionRow& row, const JsonValue& value) {
      return reader_.number(key, value, row.min, row.max);
    });
  }
  void duration(std::string_view key, std::chrono::nanoseconds* to) {
    read(key, to, [&](const OptionRow& row, const JsonValue& value) {
      return reader_.duration(key, value, row.min);
    });
  }
  void full_or_none(std::string_view key, bool* to) {
    read(key, to, [&](const OptionRow& row, const JsonValue& value) -> std::optional<bool> {
      const auto word = reader_.choice(key, value, row.choices);
      if (!word) return std::nullopt;
      return *word == "full";
    });
  }
  void causes(std::string_view key, std::vector<RetryOn>* to) {
    const JsonMember* member = find_member(object_, key);
    if (member != nullptr) is_right_ = read_causes(member->value, &reader_, to) && is_right_;
  }

  [[nodiscard]] bool is_right() const { return is_right_; }

 private:
  template <class To, class Read>
  void read(std::string_view key, To* to, Read read_value) {
    const JsonMember* member = find_member(object_, key);
    if (member == nullptr) return;
    const auto value = read_value(*find_key(rows_, key), member->value);
    is_right_ = is_right_ && value.has_value();
    if (value) *to = To(static_cast<To>(*value));
  }

  const JsonObject& object_;
  const std::span<const OptionRow> rows_;
  ValueReader& reader_;
  bool is_right_ = true;
};

}  // namespace

std::optional<Retry> read_retry(const JsonValue& value, ValueReader* reader) {
  Retry retry;
  if (!value.object()) {
    if (value.is_number() || value.text()) {
      const auto max = reader->integer("retry", value, 1, kMaxAttempts);
      if (!max) return std::nullopt;
      retry.max = static_cast<int>(*max);
      return retry;
    }
    reader->blame_type("retry", type_phrase(OptionType::kRetry), value);
    return std::nullopt;
  }
  ObjectReader object(*value.object(), retry_keys(), reader);
  retry.max = kDefaultAttempts;
  object.integer("max", &retry.max);
  object.causes("on", &retry.on);
  object.duration("base", &retry.base);
  object.duration("cap", &retry.cap);
  object.number("factor", &retry.factor);
  object.full_or_none("jitter", &retry.jitter);
  if (!object.is_right()) return std::nullopt;
  return retry;
}

std::optional<Tolerate> read_tolerate(const JsonValue& value, ValueReader* reader) {
  Tolerate tolerate;
  if (!value.object()) {
    if (value.is_number() || value.text()) {
      tolerate.count = reader->integer("tolerate", value, 0, kMaxTolerated);
      if (!tolerate.count) return std::nullopt;
      return tolerate;
    }
    reader->blame_type("tolerate", type_phrase(OptionType::kTolerate), value);
    return std::nullopt;
  }
  ObjectReader object(*value.object(), tolerate_keys(), reader);
  object.integer("count", &tolerate.count);
  object.number("percent", &tolerate.percent);
  if (!object.is_right()) return std::nullopt;
  if (tolerate.is_given()) return tolerate;
  reader->blame(value.where, "\"tolerate\" needs \"count\" or \"percent\"");
  return std::nullopt;
}

}  // namespace gorun::jobs
