#include "jobs/job_files.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "jobs/format/hex.h"
#include "jobs/quote.h"
#include "jobs/utf8.h"

namespace gorun::jobs {
namespace {

constexpr std::int64_t kFormatVersion = 1;

// How a key of two files becomes one.
enum class Joined {
  kNames,     // an object of names, each of which may be declared once
  kSettings,  // an object; the including file's members win
  kList,      // a text or an array of them, one behind the other
  kScalar,    // the including file's value wins
  kOwn,       // speaks of its own file
};

struct JoinedKey {
  std::string_view key;
  Joined how;
  std::string_view noun = {};  // of kNames
};

constexpr std::array<JoinedKey, 13> kJoinedKeys = {{
    {"gorun", Joined::kOwn},
    {"include", Joined::kOwn},
    {"name", Joined::kScalar},
    {"fail", Joined::kScalar},
    {"vars", Joined::kSettings},
    {"env", Joined::kSettings},
    {"defaults", Joined::kSettings},
    {"limits", Joined::kSettings},
    {"report", Joined::kSettings},
    {"dotenv", Joined::kList},
    {"stages", Joined::kNames, "stage"},
    {"pools", Joined::kNames, "pool"},
    {"targets", Joined::kNames, "target"},
}};

// What makes a text no job file before any grammar is looked at.
std::optional<Diagnostic> check_encoding(const Source& source) {
  const ByteRange file = source.last_file();
  const std::string_view text = source.slice(file);
  if (text.starts_with(kByteOrderMark)) {
    return Diagnostic{.where = ByteRange{file.begin, file.begin + kByteOrderMark.size()},
                      .what = "the file begins with a byte order mark",
                      .hint = "save it as UTF-8 without BOM"};
  }
  const bool is_utf16 = text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff");
  const std::size_t bad = find_invalid_utf8(text);
  if (bad == std::string_view::npos) return std::nullopt;
  const auto byte = static_cast<unsigned char>(text[bad]);
  return Diagnostic{.where = ByteRange{file.begin + bad, file.begin + bad + 1},
                    .what = std::string("the file is not UTF-8: byte 0x") + kHexDigits[byte >> 4U] +
                            kHexDigits[byte & 0xfU],
                    .hint = is_utf16 ? "it looks like UTF-16; save it as UTF-8" : ""};
}

class FileReader {
 public:
  FileReader(Source* source, const LoadWorld& world, Diagnostics* errors)
      : source_(*source), world_(world), errors_(*errors) {}

  std::optional<JsonValue> read_main() {
    open_.push_back(world_.identity(source_.file_name(source_.last_file().begin)));
    return read_last_file();
  }

  /// False if some file could not be read.
  [[nodiscard]] bool is_whole() const { return is_whole_; }

 private:
  void blame(ByteRange where, std::string what, std::string hint = "") {
    errors_.push_back({.where = where, .what = std::move(what), .hint = std::move(hint)});
  }

  std::optional<JsonValue> read_last_file() {
    if (auto error = check_encoding(source_)) {
      errors_.push_back(std::move(*error));
      return std::nullopt;
    }
    ParsedJson json = parse_json(source_);
    errors_.insert(errors_.end(), json.errors.begin(), json.errors.end());
    if (!json.root) return std::nullopt;
    if (!json.root->object()) {
      blame(json.root->where,
            "a job file is an object, not " + std::string(json.root->type_phrase()));
      return std::nullopt;
    }
    check_version(*json.root);
    const JsonMember* include = find_member(*json.root->object(), "include");
    if (include == nullptr) return std::move(json.root);
    JsonObject base;
    if (!read_includes(include->value, &base)) is_whole_ = false;
    JsonValue joined{.content = join(std::move(base), std::move(*json.root)),
                     .where = json.root->where};
    return joined;
  }

  void check_version(const JsonValue& root) {
    const JsonMember* version = find_member(*root.object(), "gorun");
    if (version == nullptr) {
      blame({root.where.begin, root.where.begin + 1}, "the key \"gorun\" is missing",
            "a job file says which format it has: \"gorun\": 1");
      return;
    }
    const JsonValue& value = version->value;
    if (!value.is_number()) {
      blame(value.where,
            "\"gorun\": expected the number 1, got " + std::string(value.type_phrase()));
    } else if (const auto* number = std::get_if<double>(&value.content);
               !(value.integer() && *value.integer() == kFormatVersion) &&
               !(number != nullptr && *number == static_cast<double>(kFormatVersion))) {
      blame(value.where,
            "format version " + std::string(source_.slice(value.where)) + " is not supported",
            "this gorun reads version 1");
    }
  }

  bool read_includes(const JsonValue& value, JsonObject* base) {
    if (!value.array()) return read_include(value, base);
    bool is_right = true;
    for (const JsonValue& element : *value.array()) {
      is_right = read_include(element, base) && is_right;
    }
    return is_right;
  }

  bool read_include(const JsonValue& value, JsonObject* base) {
    if (!value.text()) {
      blame(value.where, "\"include\": expected a string or an array of strings, got " +
                             std::string(value.type_phrase()));
      return false;
    }
    if (value.text()->find("${{") != std::string::npos) {
      blame(value.where, "\"include\" cannot refer to anything",
            "files are included before vars are known");
      return false;
    }
    const std::string path = beside(source_, value.where.begin, *value.text());
    std::string identity = world_.identity(path);
    if (std::ranges::find(open_, identity) != open_.end()) {
      blame(value.where, quote(*value.text()) + " includes itself", way_round(identity, path));
      return false;
    }
    if (std::ranges::find(done_, identity) != done_.end()) return true;
    Expected<std::string, Refusal> text = world_.read(path);
    if (!text.ok()) {
      blame(value.where, "cannot include " + quote(path) + ": " + text.error().why);
      return false;
    }
    source_.append(path, std::move(*text));
    open_.push_back(identity);
    std::optional<JsonValue> root = read_last_file();
    open_.pop_back();
    done_.push_back(std::move(identity));
    if (!root) return false;
    *base = join(std::move(*base), std::move(*root));
    return true;
  }

  std::string way_round(const std::string& identity, const std::string& path) const {
    std::string way;
    for (auto at = std::ranges::find(open_, identity); at != open_.end(); ++at) {
      way += (way.empty() ? "" : " -> ") + (at->substr(at->rfind('/') + 1));
    }
    return way + " -> " + path.substr(path.rfind('/') + 1);
  }

  // `base` with what `root` says on top of it. A key that is the wrong type stays as it is, for the
  // parser to blame.
  JsonObject join(JsonObject base, JsonValue root) {
    JsonObject all = std::move(base);
    for (JsonMember& member : std::get<JsonObject>(root.content)) {
      const auto row = std::ranges::find(kJoinedKeys, member.key, &JoinedKey::key);
      const auto before = std::ranges::find(all, member.key, &JsonMember::key);
      if (row == kJoinedKeys.end() || before == all.end()) {
        all.push_back(std::move(member));
        continue;
      }
      switch (row->how) {
        case Joined::kNames:
        case Joined::kSettings:
          join_objects(*row, &before->value, std::move(member));
          break;
        case Joined::kList:
          join_lists(&before->value, std::move(member.value));
          break;
        case Joined::kScalar:
        case Joined::kOwn:
          *before = std::move(member);
          break;
      }
    }
    return all;
  }

  void join_objects(const JoinedKey& row, JsonValue* base, JsonMember member) {
    auto* names = std::get_if<JsonObject>(&base->content);
    if (names == nullptr || !member.value.object()) {
      if (names != nullptr) *base = std::move(member.value);
      return;
    }
    std::unordered_map<std::string, std::size_t> index;
    for (std::size_t i = 0; i < names->size(); ++i) index.emplace((*names)[i].key, i);
    for (JsonMember& entry : std::get<JsonObject>(member.value.content)) {
      const auto found = index.find(entry.key);
      if (found == index.end()) {
        names->push_back(std::move(entry));
        continue;
      }
      JsonMember& same = (*names)[found->second];
      if (row.how == Joined::kSettings) {
        same = std::move(entry);
        continue;
      }
      blame(
          entry.key_where, std::string(row.noun) + " " + quote(entry.key) + " is declared twice",
          "it is first declared at " + source_.place(same.key_where.begin, entry.key_where.begin));
    }
  }

  static void join_lists(JsonValue* base, JsonValue more) {
    JsonArray all;
    for (JsonValue* value : {base, &more}) {
      if (auto* array = std::get_if<JsonArray>(&value->content)) {
        std::ranges::move(*array, std::back_inserter(all));
      } else {
        all.push_back(std::move(*value));
      }
    }
    base->where = more.where;
    base->content = std::move(all);
  }

  Source& source_;
  const LoadWorld& world_;
  Diagnostics& errors_;
  std::vector<std::string> open_;  // identities, from the main file to the one at hand
  std::vector<std::string> done_;
  bool is_whole_ = true;
};

}  // namespace

std::optional<JsonValue> read_job_files(Source* source, const LoadWorld& world,
                                        Diagnostics* errors) {
  FileReader reader(source, world, errors);
  std::optional<JsonValue> root = reader.read_main();
  // What a missing file declares would be missed all over the others.
  if (!reader.is_whole()) return std::nullopt;
  return root;
}

std::string beside(const Source& source, std::size_t offset, const std::string& path) {
  const std::string& file = source.file_name(offset);
  const std::size_t slash = file.rfind('/');
  if (path.starts_with('/') || slash == std::string::npos) return path;
  return file.substr(0, slash + 1) + path;
}

}  // namespace gorun::jobs
