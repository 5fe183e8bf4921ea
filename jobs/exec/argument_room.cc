#include "jobs/exec/argument_room.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>

namespace gorun::jobs {
namespace {

// POSIX, xargs: "2048 bytes of headroom"; and the path of the program, which the kernel puts beside
// its arguments, with that of an interpreter.
constexpr std::size_t kHeadroom = 2048 + 2 * 4096;
// What Linux takes of a single argument or variable (MAX_ARG_STRLEN), its NUL included.
constexpr std::size_t kLongestArgument = std::size_t{128} << 10;

std::size_t taken_by_text(std::size_t bytes) { return bytes + 1 + sizeof(char*); }

// An item with the longest number and slot that there are.
class WidestItem final : public ItemView {
 public:
  explicit WidestItem(const Item& item) : item_(item, "success") {}
  [[nodiscard]] std::string_view text() const override { return item_.text(); }
  [[nodiscard]] bool append_field(std::string_view name, std::string* out) const override {
    return item_.append_field(name, out);
  }
  [[nodiscard]] std::uint64_t number() const override { return kMost; }
  [[nodiscard]] std::uint64_t slot() const override { return kMost; }

 private:
  static constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  const TemplateItem item_;
};

// A variable that is replaced counts twice.
std::size_t taken_by_environment(const StageOptions& options, const Environment& environment) {
  std::size_t taken = 0;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    taken += taken_by_text(std::string_view(*entry).size());
  }
  for (const auto& [name, value] : environment) {
    taken += taken_by_text(name.size() + 1 + value.size());
  }
  if (!options.has("env")) return taken;
  for (const auto& [name, value] : options.named_templates("env")) {
    // What the first item of a command makes of it is not known yet.
    taken += value.is_constant() ? taken_by_text(name.size() + 1 + value.constant_text().size())
                                 : taken_by_text(kLongestArgument);
  }
  return taken;
}

// What stands in every command.
std::size_t taken_by_fixed_arguments(const StageOptions& options) {
  if (options.has("shell")) {
    constexpr std::string_view kShell = "/bin/sh -c sh";
    return kShell.size() + options.text("shell").size() + 4 * taken_by_text(0);
  }
  std::size_t taken = 0;
  for (const Template& argument : options.text_templates("argv")) {
    if (argument.uses_item()) continue;
    std::string text;
    static_cast<void>(argument.append_to(&text, WidestItem(Item{})));
    taken += taken_by_text(text.size());
  }
  return taken;
}

}  // namespace

ArgumentRoom::ArgumentRoom(const StageOptions& options, const Environment& environment)
    : options_(&options) {
  const auto all = static_cast<std::size_t>(std::max(::sysconf(_SC_ARG_MAX), 4096L));
  const std::size_t taken =
      kHeadroom + taken_by_environment(options, environment) + taken_by_fixed_arguments(options);
  bytes_ = all - std::min(all, taken);
}

std::size_t ArgumentRoom::taken_by(const Item& item) {
  const std::size_t alone = bytes_ + 1;
  const auto fits = [](std::string_view argument) {
    return argument.size() < kLongestArgument && argument.find('\0') == std::string_view::npos;
  };
  if (options_->has("shell")) return fits(item.text) ? taken_by_text(item.text.size()) : alone;
  std::size_t taken = 0;
  for (const Template& argument : options_->text_templates("argv")) {
    if (!argument.uses_item()) continue;
    argument_.clear();
    if (argument.append_to(&argument_, WidestItem(item)) || !fits(argument_)) return alone;
    taken += taken_by_text(argument_.size());
  }
  return taken;
}

}  // namespace gorun::jobs
