#include "jobs/hash/hash_run.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include "jobs/hash/hash_worker.h"
#include "runtime/blocking.h"
#include "runtime/runtime.h"
#include "runtime/sync.h"

namespace gorun::jobs {
namespace {

// Tasks begun and not delivered: 16,384 names, a few MiB with their results.
constexpr std::size_t kTasksAhead = 256;

// A task on its way; its parts may be with several workers.
struct Running {
  HashTask task;
  std::atomic<std::size_t> left = 0;  // names that are not done; who does the last one delivers
};
using RunningPtr = std::shared_ptr<Running>;

struct Part {
  RunningPtr running;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// What all workers of a run share.
class Shared {
 public:
  Shared(HashSource& source, HashSink& sink, Sha256Path path)
      : sha256_path(path), source_(source), sink_(sink) {}

  const Sha256Path sha256_path;

  // The next thing to do; nothing: there is no more. `has_done` if the last one is done.
  std::optional<Part> take(bool has_done) {
    std::unique_lock lock(mutex_);
    if (has_done && --busy_ == 0) changed_.notify_all();
    while (true) {
      if (!parts_.empty()) {
        Part part = std::move(parts_.back());
        parts_.pop_back();
        ++busy_;
        return part;
      }
      const bool wants_more = !source_has_ended_ && !is_stopped();
      if (!wants_more && busy_ == 0) return std::nullopt;
      if (wants_more && ahead_ < kTasksAhead) {
        if (std::optional<Part> part = begin_task(lock)) return part;
        continue;
      }
      idle_.fetch_add(1, std::memory_order_relaxed);
      changed_.wait(lock);
      idle_.fetch_sub(1, std::memory_order_relaxed);
    }
  }

  // Names `names` of a task are done.
  void finish(const RunningPtr& running, std::size_t names) {
    // The last one sees what the others have written to the task.
    if (running->left.fetch_sub(names, std::memory_order_acq_rel) != names) return;
    std::unique_lock lock(mutex_);
    deliver(running, lock);
  }

  [[nodiscard]] bool somebody_is_idle() const { return idle_.load(std::memory_order_relaxed) > 0; }
  void give(Part part) {
    const std::lock_guard lock(mutex_);
    parts_.push_back(std::move(part));
    changed_.notify_one();
  }

  [[nodiscard]] bool is_stopped() const { return stop_.load(std::memory_order_relaxed); }

 private:
  // Asks the source, with the lock released. Nothing: it had no names.
  std::optional<Part> begin_task(std::unique_lock<runtime::Mutex>& lock) {
    ++ahead_;
    ++busy_;
    lock.unlock();
    auto running = std::make_shared<Running>();
    const bool has_task = source_.next(&running->task);
    const std::size_t count = running->task.names.size();
    running->task.results.resize(count);
    running->left.store(count, std::memory_order_relaxed);  // give() publishes it
    if (has_task && count > 0) return Part{std::move(running), 0, count};
    lock.lock();
    --busy_;
    if (has_task) {
      deliver(running, lock);
    } else {
      --ahead_;
      source_has_ended_ = true;
    }
    changed_.notify_all();
    return std::nullopt;
  }

  // Hands over what is due, unless somebody does that already: he then finds this one, too.
  void deliver(const RunningPtr& running, std::unique_lock<runtime::Mutex>& lock) {
    done_.emplace(running->task.number, running);
    if (is_delivering_) return;
    is_delivering_ = true;
    for (auto first = done_.begin(); first != done_.end() && first->first == next_;
         first = done_.begin()) {
      const RunningPtr due = std::move(first->second);
      done_.erase(first);
      lock.unlock();
      if (!is_stopped() && !sink_.take(std::move(due->task))) {
        stop_.store(true, std::memory_order_relaxed);
      }
      lock.lock();
      ++next_;
      if (ahead_-- == kTasksAhead) changed_.notify_all();
    }
    is_delivering_ = false;
    if (is_stopped()) changed_.notify_all();
  }

  HashSource& source_;
  HashSink& sink_;
  runtime::Mutex mutex_;   // guards what follows, down to `done_`
  runtime::Cond changed_;  // a part was given away, room for a task, an end
  std::vector<Part> parts_;
  std::size_t ahead_ = 0;
  std::size_t busy_ = 0;  // workers that may still give something away
  bool source_has_ended_ = false;
  bool is_delivering_ = false;
  std::uint64_t next_ = 0;  // to be delivered
  std::map<std::uint64_t, RunningPtr> done_;
  std::atomic<bool> stop_ = false;  // a hint: what is hashed in spite of it is dropped
  std::atomic<int> idle_ = 0;       // workers; a hint
};

class FileWorker final : private HashObserver {
 public:
  /// meter  of which this is worker `number`; or nullptr.
  FileWorker(Shared& shared, HashMeter* meter, int number)
      : shared_(shared), meter_(meter), number_(static_cast<std::size_t>(number)) {}

  void run() {
    bool has_done = false;
    while (std::optional<Part> part = shared_.take(std::exchange(has_done, true))) {
      hash(*std::move(part));
    }
  }

 private:
  void hash(Part part) {
    part_ = std::move(part);
    hashed_ = 0;
    const HashTask& task = part_.running->task;
    names_.assign(task.names.begin() + static_cast<std::ptrdiff_t>(part_.begin),
                  task.names.begin() + static_cast<std::ptrdiff_t>(part_.end));
    std::unique_ptr<HashWorker>& hasher = hashers_[task.algorithms];
    if (!hasher) {
      hasher = std::make_unique<HashWorker>(task.algorithms, shared_.sha256_path, runtime::procs());
    }
    const bool is_all = hasher->hash(names_, *this);
    if (meter_ != nullptr) {
      meter_->add_files(hashed_);
      meter_->at_hand(number_, {}, 0, 0);
    }
    const std::size_t rest = part_.end - part_.begin - hashed_;
    if (!is_all && rest > 0) shared_.finish(part_.running, rest);  // stopped: nobody looks at them
    part_ = {};
  }

  std::size_t give_away(std::size_t untouched) override {
    const std::size_t half = untouched / 2;
    if (half == 0 || !shared_.somebody_is_idle()) return 0;
    shared_.give(Part{part_.running, part_.end - half, part_.end});
    part_.end -= half;
    return half;
  }

  bool on_bytes(std::uint64_t bytes) override {
    if (meter_ != nullptr) meter_->add_bytes(bytes);
    return !shared_.is_stopped();
  }

  void on_at_hand(const HashAtHand& file) override {
    if (meter_ != nullptr) meter_->at_hand(number_, names_[file.index], file.size, file.read);
  }

  bool on_result(std::size_t index, HashResult&& result) override {
    part_.running->task.results[part_.begin + index] = std::move(result);
    ++hashed_;
    shared_.finish(part_.running, 1);
    return true;
  }

  Shared& shared_;
  HashMeter* const meter_;
  const std::size_t number_;
  std::map<std::vector<Algorithm>, std::unique_ptr<HashWorker>> hashers_;
  Part part_;               // at hand
  std::size_t hashed_ = 0;  // of it
  std::vector<std::string_view> names_;
};

}  // namespace

bool SerialHashSource::next(HashTask* task) {
  const std::lock_guard lock(mutex_);
  if (!runtime::blocking(runtime::Blocking::kBrief, [&] { return fill(task); })) return false;
  task->number = next_number_++;
  return true;
}

void run_hash(HashSource& source, HashSink& sink, const HashRunOptions& options) {
  Shared shared(source, sink, options.path);
  runtime::WaitGroup group;
  for (int i = 0; i < runtime::procs(); ++i) {
    group.go([&, i] { FileWorker(shared, options.meter, i).run(); });
  }
  group.wait();
}

}  // namespace gorun::jobs
