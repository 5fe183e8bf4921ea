#include "jobs/load.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include "jobs/json_value.h"
#include "jobs/parse.h"
#include "jobs/quote.h"
#include "jobs/utf8.h"
#include "jobs/validate.h"

namespace gorun::jobs {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

Diagnostic of_file(std::string what, std::string hint = "") {
  return {.where = std::nullopt, .what = std::move(what), .hint = std::move(hint)};
}

// The words of strerror(3) with a small first letter, and without its buffer.
std::string words_of(int error) {
  std::string words = std::generic_category().message(error);
  if (words.size() > 1 && words[1] >= 'a' && words[1] <= 'z') {
    words[0] = static_cast<char>(words[0] | 0x20);
  }
  return words;
}

// Reads to the end; 0, or the errno of what failed.
int read_all(int fd, std::string* text) {
  constexpr std::size_t kPiece = std::size_t{64} << 10;
  while (text->size() <= kMaxJobFileBytes) {
    const std::size_t size = text->size();
    text->resize(size + kPiece);
    const ssize_t got = ::read(fd, text->data() + size, kPiece);
    const int error = errno;
    text->resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return 0;
    if (got < 0 && error != EINTR) return error;
  }
  return EFBIG;
}

// The fd, or -1 and the errno.
struct Opened {
  int fd = -1;
  int error = 0;
};

Opened open_to_read(const std::string& path) {
  if (path == "-") return {.fd = STDIN_FILENO};
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return {.error = errno};
  struct stat status {};
  if (::fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
    ::close(fd);
    return {.error = EISDIR};
  }
  return {.fd = fd};
}

std::string reason_of(int error) {
  switch (error) {
    case ENOENT:
      return "there is no such file";
    case EISDIR:
      return "this is a directory, not a job file";
    case EACCES:
      return "the file may not be read: permission denied";
    case EFBIG:
      return "the file is larger than " + std::to_string(kMaxJobFileBytes >> 20U) + " MiB";
    default:
      return "the file cannot be read: " + words_of(error);
  }
}

// What makes a text no job file before any grammar is looked at.
std::optional<Diagnostic> check_encoding(const Source& source) {
  const std::string_view text = source.text();
  if (text.starts_with(kByteOrderMark)) {
    return Diagnostic{.where = ByteRange{0, kByteOrderMark.size()},
                      .what = "the file begins with a byte order mark",
                      .hint = "save it as UTF-8 without BOM"};
  }
  const bool is_utf16 = text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff");
  const std::size_t bad = find_invalid_utf8(text);
  if (bad == std::string_view::npos) return std::nullopt;
  static constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(text[bad]);
  return Diagnostic{
      .where = ByteRange{bad, bad + 1},
      .what = std::string("the file is not UTF-8: byte 0x") + kHex[byte >> 4U] + kHex[byte & 0xfU],
      .hint = is_utf16 ? "it looks like UTF-16; save it as UTF-8" : ""};
}

}  // namespace

LoadedSource read_source(const std::string& path) {
  const Opened opened = open_to_read(path);
  if (opened.error != 0) return {Source(path, ""), {of_file(reason_of(opened.error))}};
  std::string text;
  const int error = read_all(opened.fd, &text);
  if (opened.fd != STDIN_FILENO) ::close(opened.fd);
  if (error != 0) return {Source(path, ""), {of_file(reason_of(error))}};
  return {Source(path == "-" ? "(standard input)" : path, std::move(text)), {}};
}

Result<Graph> load_job(const Source& source, const VarSettings& settings) {
  if (auto error = check_encoding(source)) return Result<Graph>(std::move(*error));
  ParsedJson json = parse_json(source);
  if (!json.root) return Result<Graph>(std::move(json.errors));
  Diagnostics errors = std::move(json.errors);
  JobFile file = parse_job_file(source, *json.root, settings, &errors);
  Graph graph = validate(source, std::move(file), &errors);
  if (!errors.empty()) return Result<Graph>(std::move(errors));
  return Result<Graph>(std::move(graph));
}

}  // namespace gorun::jobs
