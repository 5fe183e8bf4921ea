// tests/support/pty_command.h - a program with a terminal: what a person would see of it.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace gorun::test {

/// A command whose standard input, output and error are one pseudo-terminal.
class PtyCommand {
 public:
  /// argv[0] is looked up in PATH. TERM is xterm, NO_COLOR is unset.
  PtyCommand(const std::vector<std::string>& argv, unsigned short columns);
  ~PtyCommand();
  PtyCommand(const PtyCommand&) = delete;
  PtyCommand& operator=(const PtyCommand&) = delete;

  /// Reads until what was read contains `text`; false if the terminal closed before.
  [[nodiscard]] bool wait_for(std::string_view text);

  /// As typed on the keyboard.
  void type(std::string_view bytes) const;

  /// Whether the terminal shows what is typed.
  [[nodiscard]] bool echoes() const;

  /// Reads to the end and reaps; returns the exit status, or 128 + n for signal n.
  int finish();

  /// All that came so far, with its control sequences.
  [[nodiscard]] const std::string& raw() const { return raw_; }

  /// The lines that a terminal would show: carriage return, line feed, cursor up and erase to the
  /// end of the screen are obeyed, colours dropped.
  [[nodiscard]] std::vector<std::string> screen() const;

 private:
  bool read_some();  // false at the end

  pid_t pid_ = -1;
  int terminal_ = -1;
  std::string raw_;
};

}  // namespace gorun::test
