// The kind "http": fetches a URL, once or for each item.
//
// A worker has one request at a time and is parked while it waits (jobs/http/http_engine.h), so the
// number of workers is that of requests under way, and a thousand of them cost no thread. What it
// has made is passed on before it waits.
//
// A body becomes the text of the item, or a file: written beside it and renamed when it is whole.
#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jobs/duration.h"
#include "jobs/http/host_limits.h"
#include "jobs/http/http_client.h"
#include "jobs/open_files.h"
#include "jobs/output_file.h"
#include "jobs/quote.h"
#include "jobs/stages/rows.h"
#include "runtime/cancel.h"
#include "runtime/timer.h"

namespace gorun::jobs {
namespace {

// A body that becomes a text lies in memory.
constexpr std::int64_t kMaxTextBody = std::int64_t{64} << 20;
// How often one request is made again because the server asked to wait, and for how long at most.
constexpr int kMostWaits = 5;
constexpr std::int64_t kLongestWaitS = 600;
// Connections that an engine keeps open, if its workers are fewer.
constexpr std::size_t kLeastConnections = 8;
constexpr int kFirstFailure = 400;  // of the statuses
// What was made is passed on when the one before was so long ago: a slow server's answers at once,
// those of a fast one some at a time, which spares a wake-up of the reader for each.
constexpr runtime::Nanos kFlushedEvery = std::chrono::milliseconds(10);

HttpSettings settings_of(const StageOptions& options) {
  HttpSettings settings;
  settings.has_body = options.has("body");
  settings.method = options.has("method") ? options.text("method")
                    : settings.has_body   ? "POST"
                                          : "GET";
  settings.max_redirects = static_cast<int>(options.integer("max_redirects"));
  if (options.has("ca_file")) settings.ca_file = options.text("ca_file");
  if (options.has("max_body")) {
    settings.max_body = static_cast<std::uint64_t>(options.integer("max_body"));
  } else if (!options.has("save")) {
    settings.max_body = kMaxTextBody;
  }
  return settings;
}

// With what to do where there are too many files.
Failure failure_with_way_out(const SystemError& error) {
  Failure failure = failure_of(error);
  failure.what += way_out_of_open_files(error.error_number);
  return failure;
}

// Keeps a body, in memory or in a file, unless its status makes it worthless.
class Body final : public BodySink {
 public:
  Body(bool takes_any_status, int cancel_fd)
      : takes_any_status_(takes_any_status), cancel_fd_(cancel_fd) {}

  /// What is flushed when the answer takes long; nullptr: nothing.
  void pass_on_to(Out* out) { out_ = out; }

  void begin(const std::string* path) {
    text_.clear();
    error_.reset();
    file_.reset();
    path_ = path;
  }

  bool take(int status, std::string_view bytes) override {
    if (!takes(status)) return true;
    if (path_ == nullptr) {
      text_.append(bytes);
      return true;
    }
    if (!open()) return false;
    error_ = file_->write(bytes);
    return !error_;
  }

  void wait_begins() override {
    if (out_ != nullptr) static_cast<void>(flush(*out_));  // a stop is not forgotten
  }

  Flow flush(Out& out) {
    flushed_at_ = runtime::now();
    return out.flush();
  }
  /// When what was made was passed on; 0: never.
  [[nodiscard]] runtime::Nanos flushed_at() const { return flushed_at_; }

  /// Gives the file its name.
  bool commit() {
    if (path_ == nullptr) return true;
    if (!open()) return false;  // the body is empty
    error_ = file_->commit();
    return !error_;
  }

  [[nodiscard]] bool takes(int status) const { return takes_any_status_ || status < kFirstFailure; }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::optional<SystemError>& error() const { return error_; }

 private:
  bool open() {
    if (file_) return true;
    file_.emplace(*path_, OutputFile::Mode::kAtomic, cancel_fd_);
    error_ = file_->open();
    return !error_;
  }

  const bool takes_any_status_;
  const int cancel_fd_;
  Out* out_ = nullptr;
  runtime::Nanos flushed_at_{0};
  const std::string* path_ = nullptr;  // nullptr: a text
  std::string text_;
  std::optional<OutputFile> file_;
  std::optional<SystemError> error_;
};

// Makes requests one after the other, for one worker.
class Fetcher {
 public:
  Fetcher(const StageSpec& spec, Context& context, std::shared_ptr<HttpEngine> engine,
          HostLimits& limits)
      : options_(spec.options),
        context_(context),
        limits_(limits),
        settings_(settings_of(spec.options)),
        client_(std::move(engine), settings_),
        body_(spec.options.text("status") == "any", context.cancel_fd()) {}

  // `batch` keeps `item`; both are of no content when there is one request only.
  Flow run(const Item& item, const Batch& batch, Out& out) {
    if (context_.is_cancelled()) return Flow::kStop;
    // Nobody parks for room with a place at a host: who waits for that may have what he needs then.
    body_.pass_on_to(limits_.is_limited() ? nullptr : &out);
    const Flow flow = fetch(item, batch, out);
    // Also after a failure: many of them in a row do not hold back what was made before.
    if (flow == Flow::kStop || runtime::now() - body_.flushed_at() < kFlushedEvery) return flow;
    return body_.flush(out);
  }

 private:
  Flow fetch(const Item& item, const Batch& batch, Out& out) {
    if (auto missing = prepare(item)) return fail(item, {.what = std::move(*missing), .item = {}});
    const HttpAnswer answer = ask(out);
    if (context_.is_cancelled()) return Flow::kStop;
    if (answer.end == HttpEnd::kCancelled) return context_.not_begun();
    if (auto failure = failure_in(answer)) return fail(item, std::move(*failure));
    if (!body_.commit()) return fail(item, failure_with_way_out(*body_.error()));
    context_.count_bytes(answer.body_bytes);
    return emit(answer, item, batch, out);
  }

  Flow fail(const Item& item, Failure failure) {
    // The item itself goes on to whoever reads failed ones; what is told of it holds no password.
    if (!options_.has("url")) failure.item = HttpClient::without_password(std::string(item.text));
    return context_.fail_item(item, std::move(failure));
  }

  std::optional<Failure> failure_in(const HttpAnswer& answer) const {
    if (body_.error()) return failure_with_way_out(*body_.error());
    if (answer.end == HttpEnd::kTimedOut) {
      return Failure{.what = shown() + ": timed out after " + duration_text(*context_.timeout()),
                     .item = {},
                     .cause = FailureCause::kTimeout};
    }
    if (!is_answered(answer)) {
      return Failure{
          .what = shown() + ": " + answer.error, .item = {}, .cause = FailureCause::kNetwork};
    }
    if (body_.takes(answer.status)) return std::nullopt;
    Failure failure{.what = shown() + ": status " + std::to_string(answer.status),
                    .item = {},
                    .cause = FailureCause::kStatus,
                    .code = answer.status};
    if (options_.flag("retry_after") && asks_to_wait(answer)) {
      failure.retry_after = std::chrono::seconds(answer.retry_after_s);
    }
    return failure;
  }

  // What nobody needs may be of any size.
  [[nodiscard]] bool is_answered(const HttpAnswer& answer) const {
    return answer.end == HttpEnd::kAnswered ||
           (answer.end == HttpEnd::kTooLarge && !body_.takes(answer.status));
  }

  [[nodiscard]] bool asks_to_wait(const HttpAnswer& answer) const {
    return is_answered(answer) && answer.retry_after_s > 0 &&
           answer.retry_after_s <= kLongestWaitS && (answer.status == 429 || answer.status == 503);
  }

  // "GET http://host/a", as messages begin.
  [[nodiscard]] std::string shown() const {
    const std::string url = HttpClient::without_password(request_.url);
    const bool is_plain = std::ranges::all_of(url, [](char c) { return c > ' ' && c < '\x7f'; });
    return settings_.method + " " + (is_plain && !url.empty() ? url : quote(url));
  }

  // Fills in the request. returns why it cannot.
  std::optional<std::string> prepare(const Item& item) {
    const TemplateItem view(item, context_.run_status());
    std::optional<std::string> why;
    const auto evaluate = [&](const Template& text, std::string* to) {
      to->clear();
      const auto missing = text.append_to(to, view);
      if (missing) why = "the item has no field \"" + std::string(*missing) + "\"";
    };
    if (options_.has("url")) {
      evaluate(options_.text_template("url"), &request_.url);
    } else {
      request_.url = item.text;
    }
    request_.headers.clear();
    if (options_.has("headers")) {
      for (const auto& [name, value] : options_.named_templates("headers")) {
        std::string text;
        evaluate(value, &text);
        // An empty one, as libcurl wants it written.
        std::string& header = request_.headers.emplace_back(name);
        header += text.empty() ? ";" : ": ";
        header += text;
      }
    }
    if (options_.has("body")) evaluate(options_.text_template("body"), &request_.body);
    if (options_.has("save")) evaluate(options_.text_template("save"), &path_);
    return why;
  }

  // One request, and again if the server says when and no "retry" of the stage sees to that.
  HttpAnswer ask(Out& out) {
    // A place may be long in coming. A stop on the way down is not forgotten.
    if (limits_.is_limited()) static_cast<void>(body_.flush(out));
    const HostLimits::Place place(limits_,
                                  limits_.is_limited() ? HttpClient::origin_of(request_.url) : "",
                                  context_.end_of_beginning());
    if (!place.is_taken() || (limits_.is_limited() && context_.is_draining())) {
      HttpAnswer none;
      none.end = HttpEnd::kCancelled;
      return none;
    }
    const auto timeout = context_.timeout();
    for (int waits = 0;; ++waits) {
      body_.begin(options_.has("save") ? &path_ : nullptr);
      const runtime::Nanos deadline = timeout ? runtime::now() + *timeout : runtime::kNoDeadline;
      HttpAnswer answer = client_.perform(request_, deadline, &body_);
      const bool may_wait = waits < kMostWaits && !context_.may_retry() &&
                            options_.flag("retry_after") && !body_.takes(answer.status);
      if (!may_wait || !asks_to_wait(answer)) return answer;
      body_.wait_begins();
      const auto end = runtime::sleep_or_cancelled(std::chrono::seconds(answer.retry_after_s),
                                                   context_.end_of_beginning());
      // Where no other request is to begin, this was the last answer.
      if (end == runtime::SleepEnd::kCancelled || context_.is_draining()) return answer;
    }
  }

  Flow emit(const HttpAnswer& answer, const Item& item, const Batch& batch, Out& out) {
    Batch& to = out.batch();
    to.keep_all(batch);
    Item fetched = item;
    const bool is_saved = options_.has("save");
    fetched.text = to.copy(is_saved ? path_ : body_.text());
    const std::array<Field, 5> fields = {
        {{"url", to.copy(answer.url)},
         {"status", to.copy(std::to_string(answer.status)), FieldType::kNumber},
         {"bytes", to.copy(std::to_string(answer.body_bytes)), FieldType::kNumber},
         {"type", to.copy(answer.content_type)},
         {is_saved ? "path" : "body", fetched.text}}};
    to.set_fields(&fetched, fields);
    return out.emit(fetched);
  }

  const StageOptions& options_;
  Context& context_;
  HostLimits& limits_;
  const HttpSettings settings_;
  HttpClient client_;
  Body body_;
  HttpRequest request_;
  std::string path_;
};

class FetchOnce final : public Producer {
 public:
  /// fetcher  nullptr: the stage has failed already.
  explicit FetchOnce(std::unique_ptr<Fetcher> fetcher) : fetcher_(std::move(fetcher)) {}
  void run(Out& out) override {
    if (fetcher_) static_cast<void>(fetcher_->run(Item{}, Batch{}, out));
  }

 private:
  std::unique_ptr<Fetcher> fetcher_;
};

class FetchEach final : public Operator {
 public:
  /// fetcher  nullptr: the stage has failed already.
  explicit FetchEach(std::unique_ptr<Fetcher> fetcher) : fetcher_(std::move(fetcher)) {}
  Flow process(Batch&& batch, Out& out) override {
    if (!fetcher_) return Flow::kStop;
    for (const Item& item : batch.items()) {
      if (fetcher_->run(item, batch, out) == Flow::kStop) return Flow::kStop;
    }
    return Flow::kMore;
  }

 private:
  std::unique_ptr<Fetcher> fetcher_;
};

class HttpStage final : public Stage {
 public:
  explicit HttpStage(const StageSpec& spec)
      : spec_(spec), limits_(is_limited(spec) ? spec.options.integer("per_host") : 0) {}
  [[nodiscard]] bool is_source() const override { return spec_.inputs.empty(); }
  [[nodiscard]] StageTraits traits() const override {
    return {.workers = is_source() ? 1 : spec_.workers,
            .batch_items = 1,
            .begins_operations = true,
            .flushes = true};
  }
  [[nodiscard]] std::unique_ptr<Producer> make_producer(Context& context) override {
    return std::make_unique<FetchOnce>(fetcher(context));
  }
  [[nodiscard]] std::unique_ptr<Operator> make_operator(Context& context) override {
    return std::make_unique<FetchEach>(fetcher(context));
  }

 private:
  // One request waits for no other.
  static bool is_limited(const StageSpec& spec) {
    return !spec.inputs.empty() && spec.options.has("per_host");
  }

  std::unique_ptr<Fetcher> fetcher(Context& context) {
    auto found = engine(context);
    if (found.ok()) {
      return std::make_unique<Fetcher>(spec_, context, std::move(found).value(), limits_);
    }
    // All of its workers lack the same.
    if (!std::exchange(has_failed_, true)) {
      static_cast<void>(context.fail(failure_with_way_out(found.error())));
    }
    return nullptr;
  }

  // The workers share as many engines as there are Ps. The last worker takes its engine along: an
  // engine is closed on a goroutine.
  Expected<std::shared_ptr<HttpEngine>, SystemError> engine(Context& context) {
    engines_.resize(static_cast<std::size_t>(context.procs()));
    std::weak_ptr<HttpEngine>& slot = engines_[next_++ % engines_.size()];
    if (auto there = slot.lock()) return there;
    const auto share = static_cast<std::size_t>(context.workers()) / engines_.size() + 1;
    auto made = HttpEngine::make(context.cancel_fd(), context.end_of_beginning(),
                                 std::max(share, kLeastConnections));
    if (made.ok()) slot = *made;
    return made;
  }

  const StageSpec& spec_;
  HostLimits limits_;
  std::vector<std::weak_ptr<HttpEngine>> engines_;
  std::size_t next_ = 0;
  bool has_failed_ = false;
};

}  // namespace

StageRow make_http(const StageSpec& spec) { return row_of(std::make_unique<HttpStage>(spec)); }

}  // namespace gorun::jobs
