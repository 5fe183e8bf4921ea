// cli/terminal.h - standard error as a screen with one status block at its end.
//
// Everything that gorun says to a person goes through one Screen: messages scroll, the status (the
// progress display) stays below them and is redrawn in place. A message erases the status first and
// the next status() draws it again, so that no message is ever glued to half a progress line.
//
// Invariants (guarded by mutex_)
//   I1  drawn_lines_ lines of status stand on the terminal, the cursor at the end of the last.
//   I2  No status line is wider than the terminal less one column: a line that wraps could not be
//       erased. A person who narrows the window while it stands may see a remnant, until the next
//       message scrolls it away.
// A terminal that went away makes writes fail; there is nobody left to tell, so that is ignored.
#pragma once

#include <termios.h>

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/secrets.h"

namespace gorun::cli {

/// True if `fd` is a terminal that can move its cursor: a tty, and TERM neither empty nor "dumb".
[[nodiscard]] bool is_smart_terminal(int fd);

/// True if text on `fd` should be coloured when nobody says so: a smart terminal, and NO_COLOR
/// unset or empty (no-color.org).
[[nodiscard]] bool wants_colors(int fd);

/// The columns of the terminal `fd`; 80 if it does not tell.
[[nodiscard]] std::size_t terminal_columns(int fd);

enum class Style { kPlain, kBold, kDim, kRed, kGreen, kYellow };

/// A stream to a person. threads: every member, from any thread outside goroutines.
class Screen {
 public:
  /// fd      where it writes, not owned.
  /// colors  whether styled() colours; the caller has asked the terminal and NO_COLOR.
  Screen(int fd, bool colors) : fd_(fd), colors_(colors) {}
  ~Screen() { clear_status(); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  /// Writes `text`, which ends in a line feed, above the status.
  void message(std::string_view text);

  /// The same, or what of it can be written within `patience`: for who has more to do than to wait
  /// for somebody to read. Another process that fills the pipe in the same moment may still hold it
  /// up: the stream may be shared, so it is not made non-blocking.
  void try_message(std::string_view text, std::chrono::milliseconds patience);

  /// Draws the status in place of the last one. Each line is plain text of any length: it is made
  /// printable and cut to the terminal's width.
  void status(const std::vector<std::string>& lines);

  /// Erases the status.
  void clear_status();

  /// From here on nothing that is written shows them.
  void mask(jobs::Secrets secrets);

  /// `text` in `style`, if this screen shows colours.
  [[nodiscard]] std::string styled(Style style, std::string_view text) const;

  [[nodiscard]] int fd() const { return fd_; }

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] bool wait_for_room(Clock::time_point until) const;
  [[nodiscard]] std::string erase_sequence();
  void write_all(std::string_view bytes) const;

  const int fd_;
  const bool colors_;
  std::mutex mutex_;
  jobs::Secrets secrets_;        // guarded by mutex_
  std::size_t drawn_lines_ = 0;  // guarded by mutex_
};

/// Keeps the modes (echo, line editing) of the terminal on standard input as they were found: a
/// child that is killed while it has them changed would leave the shell without echo.
class TerminalModes {
 public:
  TerminalModes();
  ~TerminalModes() { restore(); }
  TerminalModes(const TerminalModes&) = delete;
  TerminalModes& operator=(const TerminalModes&) = delete;

  /// threads: any. Does nothing where there is no terminal or nothing changed.
  void restore() const;

 private:
  std::optional<termios> found_;
};

}  // namespace gorun::cli
