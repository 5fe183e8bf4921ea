#include "jobs/dotenv.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "jobs/job_files.h"
#include "jobs/quote.h"

namespace gorun::jobs {
namespace {

constexpr std::string_view kBlanks = " \t\r";

bool is_variable_name(std::string_view name) {
  return !name.empty() && !(name.front() >= '0' && name.front() <= '9') &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_';
         });
}

// The line at hand; `begin` is the byte of the source at which it begins.
class LineReader {
 public:
  LineReader(std::string_view line, std::size_t begin, ValueReader* reader)
      : line_(line), begin_(begin), reader_(*reader) {}

  void read(Environment* env) {
    skip_blanks();
    if (at_ == line_.size() || line_[at_] == '#') return;
    constexpr std::string_view kExport = "export ";
    if (rest().starts_with(kExport)) {
      at_ += kExport.size();
      skip_blanks();
    }
    const std::size_t equals = line_.find('=', at_);
    if (equals == std::string_view::npos) {
      fail(at_, "this line is no NAME=VALUE");
      return;
    }
    std::string_view name = line_.substr(at_, equals - at_);
    name = name.substr(0, name.find_last_not_of(kBlanks) + 1);
    if (!is_variable_name(name)) {
      fail(at_, "what stands before \"=\" is no name of a variable");
      return;
    }
    at_ = equals + 1;
    std::string value;
    if (read_value(&value)) env->emplace_back(std::string(name), std::move(value));
  }

 private:
  std::string_view rest() const { return line_.substr(at_); }
  void skip_blanks() { at_ = std::min(line_.find_first_not_of(kBlanks, at_), line_.size()); }

  bool fail(std::size_t at, std::string what) {
    reader_.blame({begin_ + at, begin_ + at + 1}, std::move(what),
                  "lines are NAME=VALUE, NAME=\"VALUE\", NAME='VALUE' or # comments");
    return false;
  }

  bool read_value(std::string* value) {
    skip_blanks();
    const char mark = at_ < line_.size() ? line_[at_] : '\0';
    if (mark != '"' && mark != '\'') {
      std::string_view plain = rest();
      for (std::size_t hash = plain.find('#'); hash != std::string_view::npos;
           hash = plain.find('#', hash + 1)) {
        if (hash > 0 && kBlanks.find(plain[hash - 1]) == std::string_view::npos) continue;
        plain = plain.substr(0, hash);
        break;
      }
      *value = plain.substr(0, plain.find_last_not_of(kBlanks) + 1);
      return no_nul(*value);
    }
    const std::size_t open = at_++;
    while (at_ < line_.size() && line_[at_] != mark) {
      if (mark == '"' && line_[at_] == '\\' && at_ + 1 < line_.size()) {
        ++at_;
        *value += unescaped();
      } else {
        *value += line_[at_];
      }
      ++at_;
    }
    if (at_ == line_.size()) return fail(open, "this value is never closed");
    ++at_;
    skip_blanks();
    if (at_ < line_.size() && line_[at_] != '#') return fail(at_, "text behind the closing quote");
    return no_nul(*value);
  }

  std::string unescaped() const {
    switch (line_[at_]) {
      case 'n':
        return "\n";
      case 't':
        return "\t";
      case '"':
      case '\\':
      case '$':
        return {line_[at_]};
      default:
        return {'\\', line_[at_]};
    }
  }

  bool no_nul(const std::string& value) {
    if (value.find('\0') == std::string::npos) return true;
    return fail(0, "this line holds a NUL byte");
  }

  const std::string_view line_;
  const std::size_t begin_;
  ValueReader& reader_;
  std::size_t at_ = 0;
};

void read_file(const JsonValue& name, Source* source, const LoadWorld& world, ValueReader* reader,
               Environment* env) {
  const auto path = reader->text("dotenv", name);
  if (!path) return;
  const std::string full = beside(*source, name.where.begin, *path);
  Expected<std::string, Refusal> text = world.read(full);
  if (!text.ok()) {
    reader->blame(name.where, "cannot read " + quote(full) + ": " + text.error().why);
    return;
  }
  const ByteRange file = source->append(full, std::move(*text));
  source->hide(file);
  for (std::size_t begin = file.begin; begin < file.end;) {
    const ByteRange line = source->line_at(begin);
    LineReader(source->slice(line), line.begin, reader).read(env);
    const std::size_t end = source->text().find('\n', begin);
    begin = end == std::string_view::npos ? file.end : end + 1;
  }
}

}  // namespace

Environment read_dotenv_files(const JsonValue& value, Source* source, const LoadWorld& world,
                              ValueReader* reader) {
  Environment env;
  if (value.array()) {
    for (const JsonValue& name : *value.array()) read_file(name, source, world, reader, &env);
  } else if (value.text()) {
    read_file(value, source, world, reader, &env);
  } else {
    reader->blame_type("dotenv", "a string or an array of strings", value);
  }
  return env;
}

}  // namespace gorun::jobs
