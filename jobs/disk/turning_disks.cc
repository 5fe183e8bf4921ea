#include "jobs/disk/turning_disks.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

namespace gorun::jobs {
namespace {

namespace fs = std::filesystem;

enum class Proof : std::uint8_t { kFlag, kSpeed };

std::string contents_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string number_of(dev_t device) {
  return std::to_string(major(device)) + ':' + std::to_string(minor(device));
}

// The page "block device characteristics": bytes 4 and 5 are turns in a minute. 0: not told; 1:
// none, it is no disk; what is below 401h is reserved (SCSI Block Commands, 6.6.2).
bool tells_a_speed(const std::string& page) {
  constexpr unsigned kPage = 0xb1;
  constexpr unsigned kSlowest = 0x401;
  constexpr unsigned kReserved = 0xffff;
  const auto byte = [&page](std::size_t i) { return static_cast<unsigned char>(page[i]); };
  if (page.size() < 6 || byte(1) != kPage) return false;
  const unsigned speed = byte(4) * 256U + byte(5);
  return speed >= kSlowest && speed < kReserved;
}

// directory  of a whole disk below /sys.
bool turns_by(const fs::path& directory, Proof proof) {
  if (!contents_of(directory / "queue/rotational").starts_with('1')) return false;
  if (proof == Proof::kFlag) return true;
  std::error_code none;
  for (fs::directory_iterator part(directory / "slaves", none); part != fs::directory_iterator();
       part.increment(none)) {
    fs::path real = fs::canonical(part->path(), none);
    if (none) break;
    if (fs::exists(real / "partition", none)) real = real.parent_path();
    if (turns_by(real, proof)) return true;
  }
  return tells_a_speed(contents_of(directory / "device/vpd_pgb1"));
}

// The block device of a mount; nothing: it has none. A line is
//   ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAGS] - TYPE SOURCE MORE
std::optional<dev_t> device_of_mount(const std::string& mounts, const std::string& number) {
  std::ifstream file(mounts);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word;
    words >> word >> word >> word;
    if (word != number) continue;
    while (words >> word && word != "-") {
    }
    words >> word >> word;
    struct stat seen = {};
    if (words && ::stat(word.c_str(), &seen) == 0 && S_ISBLK(seen.st_mode)) return seen.st_rdev;
  }
  return std::nullopt;
}

}  // namespace

TurningDisks::TurningDisks(std::optional<std::int64_t> workers, Sources sources)
    : workers_(workers), sources_(std::move(sources)) {}

runtime::Semaphore* TurningDisks::queue_of(dev_t device) {
  if (workers_ == 0) return nullptr;
  const std::lock_guard hold(lock_);
  const auto [known, is_new] = known_.try_emplace(device, nullptr);
  if (!is_new) return known->second;
  if (major(device) == 0) {
    const auto below = device_of_mount(sources_.mounts, number_of(device));
    if (!below) return nullptr;
    device = *below;
  }
  std::error_code missing;
  fs::path disk = fs::canonical(fs::path(sources_.sys) / "dev/block" / number_of(device), missing);
  if (missing) return nullptr;
  if (fs::exists(disk / "partition", missing)) disk = disk.parent_path();
  if (!turns_by(disk, workers_ ? Proof::kFlag : Proof::kSpeed)) return nullptr;
  std::unique_ptr<runtime::Semaphore>& queue = queues_[disk];
  if (!queue) queue = std::make_unique<runtime::Semaphore>(workers_.value_or(1));
  return known->second = queue.get();
}

}  // namespace gorun::jobs
