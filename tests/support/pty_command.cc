// tests/support/pty_command.cc - a program with a terminal.

#include "tests/support/pty_command.h"

#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

namespace gorun::test {
namespace {

// Just enough of a terminal for what gorun sends.
class ScreenModel {
 public:
  void put(char c) {
    if (column_ > line().size()) line().resize(column_, ' ');
    if (column_ < line().size()) {
      line()[column_] = c;
    } else {
      line().push_back(c);
    }
    ++column_;
  }
  void carriage_return() { column_ = 0; }
  void line_feed() {
    if (++row_ == lines_.size()) lines_.emplace_back();
  }
  void up(std::size_t rows) { row_ -= std::min(rows, row_); }
  void erase_below() {
    line().resize(std::min(line().size(), column_));
    lines_.resize(row_ + 1);
  }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::string& line() { return lines_[row_]; }

  std::vector<std::string> lines_ = {""};
  std::size_t row_ = 0;
  std::size_t column_ = 0;
};

}  // namespace

PtyCommand::PtyCommand(const std::vector<std::string>& argv, unsigned short columns) {
  winsize size{};
  size.ws_row = 24;
  size.ws_col = columns;
  pid_ = forkpty(&terminal_, nullptr, nullptr, &size);
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "forkpty");
  if (pid_ != 0) return;
  // A shell starts what it runs in the background with these ignored, and that is inherited.
  for (const int signal : {SIGINT, SIGQUIT, SIGHUP, SIGTERM}) std::signal(signal, SIG_DFL);
  setenv("TERM", "xterm", 1);
  unsetenv("NO_COLOR");
  unsetenv("MAKEFLAGS");
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execvp(words[0], words.data());
  _exit(127);
}

PtyCommand::~PtyCommand() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    finish();
  }
  close(terminal_);
}

bool PtyCommand::read_some() {
  std::array<char, 4096> buffer;
  const ssize_t n = read(terminal_, buffer.data(), buffer.size());
  if (n < 0 && errno == EINTR) return true;
  if (n <= 0) return false;  // EIO: nobody has the other side open
  raw_.append(buffer.data(), static_cast<std::size_t>(n));
  return true;
}

bool PtyCommand::wait_for(std::string_view text) {
  while (raw_.find(text) == std::string::npos) {
    if (!read_some()) return false;
  }
  return true;
}

void PtyCommand::type(std::string_view bytes) const {
  if (write(terminal_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    throw std::system_error(errno, std::generic_category(), "write to the pseudo-terminal");
  }
}

bool PtyCommand::echoes() const {
  termios modes{};
  if (tcgetattr(terminal_, &modes) != 0) {
    throw std::system_error(errno, std::generic_category(), "tcgetattr");
  }
  return (modes.c_lflag & static_cast<tcflag_t>(ECHO)) != 0;
}

int PtyCommand::finish() {
  while (read_some()) {
  }
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::vector<std::string> PtyCommand::screen() const {
  ScreenModel model;
  for (std::size_t i = 0; i < raw_.size(); ++i) {
    const char c = raw_[i];
    if (c == '\r') {
      model.carriage_return();
    } else if (c == '\n') {
      model.line_feed();
    } else if (c != '\x1b') {
      model.put(c);
    } else if (raw_.compare(i, 2, "\x1b[") == 0) {
      const std::size_t end = raw_.find_first_of("ABCDHJKm", i + 2);
      if (end == std::string::npos) break;
      if (raw_[end] == 'A') model.up(std::strtoul(raw_.c_str() + i + 2, nullptr, 10));
      if (raw_[end] == 'J') model.erase_below();
      i = end;
    }
  }
  return model.lines();
}

}  // namespace gorun::test
