#include "jobs/exec/success_record.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "jobs/hash/digest.h"
#include "jobs/quote.h"

namespace gorun::jobs {
namespace {

constexpr std::string_view kMagic = "gorun success record 1\n";
constexpr std::size_t kDigestLetters = 64;

// Writes fields, and reads them in the same order.
class FieldWriter {
 public:
  void add(std::string_view text) { out_.append(text).push_back('\0'); }
  template <class Number>
  requires std::is_integral_v<Number>
  void add(Number number) { add(std::to_string(number)); }
  void add(const FileStamp& stamp) {
    add(stamp.size);
    add(stamp.mtime_ns);
    add(stamp.ctime_ns);
    add(stamp.inode);
    add(stamp.device);
  }
  void add(const std::vector<FileRecord>& files) {
    add(files.size());
    for (const FileRecord& file : files) {
      add(file.name);
      add(file.stamp);
      add(file.digest);
    }
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class FieldReader {
 public:
  explicit FieldReader(std::string_view text) : rest_(text) {}

  void read(std::string* text) {
    const std::size_t end = rest_.find('\0');
    if (end == std::string_view::npos) {
      is_right_ = false;
      rest_ = {};
      return;
    }
    *text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
  }
  template <class Number>
  requires std::is_integral_v<Number>
  void read(Number* number) {
    std::string text;
    read(&text);
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, *number);
    is_right_ = is_right_ && error == std::errc() && stop == end;
  }
  void read(FileStamp* stamp) {
    read(&stamp->size);
    read(&stamp->mtime_ns);
    read(&stamp->ctime_ns);
    read(&stamp->inode);
    read(&stamp->device);
  }
  void read(std::vector<FileRecord>* files) {
    read_each(files, [this](FileRecord* file) {
      read(&file->name);
      read(&file->stamp);
      read(&file->digest);
    });
  }
  template <class One, class Read>
  void read_each(std::vector<One>* all, Read read_one) {
    std::uint64_t count = 0;
    read(&count);
    // No more than there is, whatever the number says.
    for (std::uint64_t i = 0; is_right_ && i < count; ++i) read_one(&all->emplace_back());
  }
  [[nodiscard]] bool is_right() const { return is_right_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool is_right_ = true;
};

// Walks two lists that are sorted by name: what is in one of them, and what is in both.
template <class One, class OnlyBefore, class OnlyNow, class InBoth>
void compare(const std::vector<One>& before, const std::vector<One>& now, OnlyBefore only_before,
             OnlyNow only_now, InBoth in_both) {
  auto was = before.begin();
  auto is = now.begin();
  while (was != before.end() || is != now.end()) {
    if (is == now.end() || (was != before.end() && was->name < is->name)) {
      only_before(*was++);
    } else if (was == before.end() || is->name < was->name) {
      only_now(*is++);
    } else {
      in_both(*was++, *is++);
    }
  }
}

}  // namespace

std::string digest_text(std::string_view text) { return digest_of(Algorithm::kBlake3, text).hex(); }

std::string to_text(const SuccessRecord& record) {
  FieldWriter fields;
  fields.add(record.command);
  fields.add(record.directory);
  fields.add(record.input);
  fields.add(record.environment.size());
  for (const SuccessRecord::Variable& variable : record.environment) {
    fields.add(variable.name);
    fields.add(variable.digest);
  }
  fields.add(record.inputs);
  fields.add(record.outputs);
  const std::string text = std::string(kMagic) + fields.take();
  return text + digest_text(text);
}

std::optional<SuccessRecord> parse_success_record(std::string_view text) {
  if (text.size() < kMagic.size() + kDigestLetters || !text.starts_with(kMagic)) {
    return std::nullopt;
  }
  const std::string_view signed_part = text.substr(0, text.size() - kDigestLetters);
  if (digest_text(signed_part) != text.substr(signed_part.size())) return std::nullopt;
  FieldReader fields(signed_part.substr(kMagic.size()));
  SuccessRecord record;
  fields.read(&record.command);
  fields.read(&record.directory);
  fields.read(&record.input);
  fields.read_each(&record.environment, [&fields](SuccessRecord::Variable* variable) {
    fields.read(&variable->name);
    fields.read(&variable->digest);
  });
  fields.read(&record.inputs);
  fields.read(&record.outputs);
  if (!fields.is_right()) return std::nullopt;
  return record;
}

std::vector<std::string> differences(const SuccessRecord& before, const SuccessRecord& now) {
  std::vector<std::string> found;
  const auto say = [&found](std::string_view what, const std::string& name, std::string_view how) {
    found.push_back(std::string(what).append(" ").append(quote(name)).append(" ").append(how));
  };
  if (before.command != now.command) found.emplace_back("the command changed");
  if (before.directory != now.directory)
    found.emplace_back("the directory that it runs in changed");
  if (before.input != now.input) found.emplace_back("its standard input changed");
  compare(
      before.environment, now.environment,
      [&](const auto& was) { say("env", was.name, "is no longer set"); },
      [&](const auto& is) { say("env", is.name, "is set"); },
      [&](const auto& was, const auto& is) {
        if (was.digest != is.digest) say("env", is.name, "changed");
      });
  compare(
      before.inputs, now.inputs, [&](const auto& was) { say("input", was.name, "is gone"); },
      [&](const auto& is) { say("input", is.name, "is new"); },
      [&](const auto& was, const auto& is) {
        if (was.digest != is.digest) say("input", is.name, "changed");
      });
  compare(
      before.outputs, now.outputs, [&](const auto& was) { say("output", was.name, "is missing"); },
      [&](const auto& is) { say("output", is.name, "is new"); },
      [&](const auto& was, const auto& is) {
        if (was.digest != is.digest) say("output", is.name, "changed");
      });
  return found;
}

}  // namespace gorun::jobs
