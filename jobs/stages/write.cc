// The kind "write": items to a file or to standard output.
//
// Uncut lines (Out::send_lines) are text already, and are written from where they lie.
//
// A file is made whole or not at all (jobs/output_file.h), also when there was no item. When the
// reader of a pipe has gone there is nothing left to do: the stage ends as "take" does, and so do
// those before it.
#include <cerrno>
#include <string>

#include "jobs/item_format.h"
#include "jobs/output_file.h"
#include "jobs/stages/rows.h"
#include "jobs/text/cutter.h"

namespace gorun::jobs {
namespace {

// Bytes that are written at once to a file.
constexpr std::size_t kWriteBytes = std::size_t{64} << 10;

// True if uncut lines are what is to be written.
bool takes_lines_of(const StageOptions& options) {
  return options.text("format") == "text" && !options.has("fail_if_any");
}

class Write final : public Operator {
 public:
  Write(const StageOptions& options, Context& context)
      : context_(context),
        format_(make_item_format(options.text("format"))),
        takes_lines_(takes_lines_of(options)),
        file_(options.text("path"),
              options.flag("atomic") ? OutputFile::Mode::kAtomic : OutputFile::Mode::kInPlace,
              context.cancel_fd()) {
    // Before the first item, so that a path that cannot be written fails the run at once and not
    // after an hour's work.
    static_cast<void>(is_stop(file_.open()));
    if (options.has("fail_if_any")) fail_if_.emplace(options.predicate("fail_if_any"));
  }

  Flow process(Batch&& batch, Out& /*out*/) override {
    if (has_stopped_) return Flow::kStop;
    for (const Item& item : batch.items()) {
      if (fail_if_ && fail_if_->matches(item)) {
        if (failing_++ == 0) first_failing_ = item.text;
      }
      if (const auto wrong = format_->append(item, &buffer_)) {
        if (context_.fail_item(item, {FailureKind::kWork, *wrong, {}}) == Flow::kStop) {
          return Flow::kStop;
        }
        continue;
      }
      if (buffer_.size() >= kWriteBytes && write() == Flow::kStop) return Flow::kStop;
    }
    // Whoever reads a stream reads along.
    return file_.is_stream() ? write() : Flow::kMore;
  }

  [[nodiscard]] bool takes_lines() const override { return takes_lines_; }

  Flow process_lines(const Batch& /*batch*/, const Item& text, Out& /*out*/,
                     std::uint64_t* lines) override {
    if (has_stopped_) return Flow::kStop;
    if (*lines == 0) *lines = count_lines(text.text);
    const bool is_open = !text.text.empty() && text.text.back() != '\n';
    if (text.text.size() < kWriteBytes) {
      buffer_ += text.text;
    } else {
      if (write() == Flow::kStop) return Flow::kStop;
      if (is_stop(file_.write(text.text))) return Flow::kStop;
      context_.count_bytes(text.text.size());
    }
    if (is_open) buffer_ += '\n';
    return buffer_.size() >= kWriteBytes || file_.is_stream() ? write() : Flow::kMore;
  }

  void finish(Out& /*out*/) override {
    if (has_stopped_ || write() == Flow::kStop) return;
    // Half of what was wanted must not stand under the name of the whole; the run has said why.
    if (context_.input_state() == InputState::kCutShort) return;
    if (is_stop(file_.commit()) || failing_ == 0) return;
    const std::string what = failing_ == 1 ? "an item is" : std::to_string(failing_) + " items are";
    static_cast<void>(context_.fail(
        {FailureKind::kWork, what + " such as \"fail_if_any\" says", std::move(first_failing_)}));
  }

 private:
  Flow write() {
    if (buffer_.empty()) return Flow::kMore;
    if (is_stop(file_.write(buffer_))) return Flow::kStop;
    context_.count_bytes(buffer_.size());
    buffer_.clear();
    return Flow::kMore;
  }

  bool is_stop(const std::optional<SystemError>& error) {
    if (!error) return false;
    has_stopped_ = true;
    if (error->error_number != EPIPE && error->error_number != ECANCELED) {
      static_cast<void>(context_.fail({FailureKind::kOutput, error->message(), {}}));
    }
    return true;
  }

  Context& context_;
  const std::unique_ptr<ItemFormat> format_;
  const bool takes_lines_;
  OutputFile file_;
  std::optional<PredicateMatch> fail_if_;  // nothing: no item is a failure
  std::uint64_t failing_ = 0;              // items that match it
  std::string first_failing_;
  std::string buffer_;
  bool has_stopped_ = false;
};

class WriteStage final : public Stage {
 public:
  explicit WriteStage(const StageSpec& spec) : options_(spec.options) {}
  [[nodiscard]] StageTraits traits() const override {
    return {.takes_lines = takes_lines_of(options_)};
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<Write>(options_, context);
  }

 private:
  const StageOptions& options_;
};

}  // namespace

StageRow make_write(const StageSpec& spec) { return row_of(std::make_unique<WriteStage>(spec)); }

}  // namespace gorun::jobs
