#include "jobs/hash/hash_run.h"

#include <algorithm>
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

// Tasks begun and not delivered, and their names: a few MiB with their results.
constexpr std::size_t kTasksAhead = 256;
constexpr std::size_t kNamesAhead = 16384;

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
  Shared(HashSource& source, HashSink& sink, const HashRunOptions& chosen)
      : options(chosen), source_(source), sink_(sink) {}

  const HashRunOptions options;

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
      if (wants_more && !is_far_ahead()) {
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
    lock.lock();
    names_ahead_ += count;
    if (has_task && count > 0) return Part{std::move(running), 0, count};
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

  [[nodiscard]] bool is_far_ahead() const {
    return ahead_ >= kTasksAhead || names_ahead_ >= kNamesAhead;
  }

  // Hands over what is due, unless somebody does that already: he then finds this one, too.
  void deliver(const RunningPtr& running, std::unique_lock<runtime::Mutex>& lock) {
    done_.emplace(running->task.number, running);
    if (is_delivering_) return;
    is_delivering_ = true;
    for (auto first = done_.begin(); first != done_.end() && first->first == next_;
         first = done_.begin()) {
      const RunningPtr due = std::move(first->second);
      const std::size_t names = due->task.names.size();
      done_.erase(first);
      lock.unlock();
      if (!is_stopped() && !sink_.take(std::move(due->task))) {
        stop_.store(true, std::memory_order_relaxed);
      }
      lock.lock();
      ++next_;
      const bool was_far_ahead = is_far_ahead();
      --ahead_;
      names_ahead_ -= names;
      if (was_far_ahead) changed_.notify_all();
    }
    is_delivering_ = false;
    if (is_stopped()) changed_.notify_all();
  }

  HashSource& source_;
  HashSink& sink_;
  runtime::Mutex mutex_;   // guards what follows, down to `done_`
  runtime::Cond changed_;  // a part was given away, room for a task, an end
  std::vector<Part> parts_;
  std::size_t ahead_ = 0;        // tasks
  std::size_t names_ahead_ = 0;  // of those that the source has filled in
  std::size_t busy_ = 0;         // workers that may still give something away
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
  // In lists of kHashNamesAtOnce: so many large files at most are open at once.
  void hash(Part part) {
    part_ = std::move(part);
    const HashTask& task = part_.running->task;
    std::unique_ptr<HashWorker>& hasher = hashers_[task.algorithms];
    if (!hasher) {
      hasher = std::make_unique<HashWorker>(task.algorithms, shared_.options.path, runtime::procs(),
                                            shared_.options.disks, shared_.options.cache);
    }
    bool goes_on = true;
    while (goes_on && part_.begin < part_.end) {
      list_end_ = std::min(part_.end, part_.begin + kHashNamesAtOnce);
      hashed_ = 0;
      names_.clear();
      for (std::size_t i = part_.begin; i < list_end_; ++i) {
        names_.emplace_back(task.names[task.name_to_read(i)]);
      }
      goes_on = hasher->hash(names_, *this);
      if (meter_ != nullptr) {
        meter_->add_files(hashed_);
        meter_->at_hand(number_, {}, 0, 0);
      }
      part_.begin = goes_on ? list_end_ : part_.begin + hashed_;
    }
    const std::size_t rest = part_.end - part_.begin;
    if (rest > 0) shared_.finish(part_.running, rest);  // stopped: nobody looks at them
    part_ = {};
  }

  // Of what comes behind the list at hand first; of that without the caller's doing.
  std::size_t give_away(std::size_t untouched) override {
    const std::size_t behind = part_.end - list_end_;
    const std::size_t given = behind > 0 ? (behind + 1) / 2 : untouched / 2;
    if (given == 0 || !shared_.somebody_is_idle()) return 0;
    shared_.give(Part{part_.running, part_.end - given, part_.end});
    part_.end -= given;
    list_end_ = std::min(list_end_, part_.end);
    return behind > 0 ? 0 : given;
  }

  bool on_bytes(std::uint64_t bytes) override {
    if (meter_ != nullptr) meter_->add_bytes(bytes);
    return !shared_.is_stopped();
  }

  void on_at_hand(const HashAtHand& file) override {
    if (meter_ != nullptr) meter_->at_hand(number_, names_[file.index], file.size, file.read);
  }

  bool on_result(std::size_t index, HashResult&& result) override {
    HashTask& task = part_.running->task;
    if (meter_ != nullptr && result.ok() && !result->was_read) meter_->add_known(1, result->size);
    task.results[task.name_to_read(part_.begin + index)] = std::move(result);
    ++hashed_;
    shared_.finish(part_.running, 1);
    return true;
  }

  Shared& shared_;
  HashMeter* const meter_;
  const std::size_t number_;
  std::map<std::vector<Algorithm>, std::unique_ptr<HashWorker>> hashers_;
  Part part_;                 // at hand
  std::size_t list_end_ = 0;  // of the names of the part that are given to a hasher
  std::size_t hashed_ = 0;    // of that list
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
  Shared shared(source, sink, options);
  runtime::WaitGroup group;
  for (int i = 0; i < runtime::procs(); ++i) {
    group.go([&, i] { FileWorker(shared, options.meter, i).run(); });
  }
  group.wait();
}

}  // namespace gorun::jobs
