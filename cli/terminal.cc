// cli/terminal.cc - standard error as a screen with one status block at its end.

#include "cli/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

#include "cli/printable.h"

namespace gorun::cli {
namespace {

constexpr std::string_view kEraseToEndOfScreen = "\x1b[J";

std::string_view style_code(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kBold:
      return "\x1b[1m";
    case Style::kDim:
      return "\x1b[2m";
    case Style::kRed:
      return "\x1b[31m";
    case Style::kGreen:
      return "\x1b[32m";
    case Style::kYellow:
      return "\x1b[33m";
  }
  return "";
}

}  // namespace

bool is_smart_terminal(int fd) {
  // Nothing in gorun changes the environment. NOLINTNEXTLINE(concurrency-mt-unsafe)
  const char* term = std::getenv("TERM");
  return term != nullptr && *term != '\0' && std::strcmp(term, "dumb") != 0 && isatty(fd) == 1;
}

bool wants_colors(int fd) {
  // Nothing in gorun changes the environment. NOLINTNEXTLINE(concurrency-mt-unsafe)
  const char* no_color = std::getenv("NO_COLOR");
  return (no_color == nullptr || *no_color == '\0') && is_smart_terminal(fd);
}

std::size_t terminal_columns(int fd) {
  winsize size{};
  // A terminal of zero columns is one that nobody has told its size: 80, as everywhere.
  return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void Screen::message(std::string_view text) {
  const std::lock_guard lock(mutex_);
  std::string out = erase_sequence();
  write_all(out.append(secrets_.masked(std::string(text))));
}

void Screen::try_message(std::string_view text, std::chrono::milliseconds patience) {
  const Clock::time_point until = Clock::now() + patience;
  // Not a timed mutex: ThreadSanitizer does not know how the C++ library locks that.
  std::unique_lock lock(mutex_, std::try_to_lock);
  while (!lock.owns_lock() && Clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    static_cast<void>(lock.try_lock());
  }
  if (!lock.owns_lock() || (text.empty() && drawn_lines_ == 0) || !wait_for_room(until)) return;
  std::string out = erase_sequence();
  out.append(secrets_.masked(std::string(text)));
  // A pipe that poll() calls writable takes so many bytes at once.
  for (std::size_t at = 0; at < out.size() && wait_for_room(until); at += PIPE_BUF) {
    write_all(std::string_view(out).substr(at, PIPE_BUF));
  }
}

void Screen::status(const std::vector<std::string>& lines) {
  const std::lock_guard lock(mutex_);
  const std::size_t columns = terminal_columns(fd_) - 1;
  std::string out = erase_sequence();
  for (const std::string& line : lines) {
    if (drawn_lines_ > 0) out += "\r\n";
    out += fit(secrets_.masked(line), columns);
    ++drawn_lines_;
  }
  write_all(out);
}

void Screen::mask(jobs::Secrets secrets) {
  const std::lock_guard lock(mutex_);
  secrets_ = std::move(secrets);
}

void Screen::clear_status() {
  const std::lock_guard lock(mutex_);
  if (drawn_lines_ > 0) write_all(erase_sequence());
}

std::string Screen::styled(Style style, std::string_view text) const {
  if (!colors_ || style == Style::kPlain) return std::string(text);
  return std::string(style_code(style)).append(text).append("\x1b[0m");
}

// The bytes that remove the drawn status. Caller holds mutex_.
std::string Screen::erase_sequence() {
  if (drawn_lines_ == 0) return "";
  std::string out = "\r";
  if (drawn_lines_ > 1) out += "\x1b[" + std::to_string(drawn_lines_ - 1) + "A";
  drawn_lines_ = 0;
  return out.append(kEraseToEndOfScreen);
}

bool Screen::wait_for_room(Clock::time_point until) const {
  pollfd stream{fd_, POLLOUT, 0};
  int ready = 0;
  do {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    ready = poll(&stream, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

void Screen::write_all(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t n = write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;  // see the header: nobody is left to tell
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

TerminalModes::TerminalModes() {
  termios modes{};
  if (tcgetattr(STDIN_FILENO, &modes) == 0) found_ = modes;
}

void TerminalModes::restore() const {
  termios modes{};
  if (!found_ || tcgetattr(STDIN_FILENO, &modes) != 0) return;
  if (modes.c_lflag == found_->c_lflag && modes.c_iflag == found_->c_iflag &&
      modes.c_oflag == found_->c_oflag && modes.c_cflag == found_->c_cflag) {
    return;
  }
  // A background process that sets terminal modes is stopped by SIGTTOU unless it blocks that.
  sigset_t block;
  sigset_t before;
  sigemptyset(&block);
  sigaddset(&block, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &block, &before);
  // A failure leaves the terminal as the child left it; gorun can do no more.
  static_cast<void>(tcsetattr(STDIN_FILENO, TCSADRAIN, &*found_));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace gorun::cli
