// runtime/file_view.h - bytes of a file where the kernel keeps them, instead of a copy.
//
// A mapped page that the file does not have any more, because somebody cut it off, and one that
// cannot be read raise SIGBUS in whoever touches them. Who looks at a view never sees that: a
// handler puts zeros in the place of the rest of the view and notes where they begin, and whoever
// has looked at the bytes asks for that before he believes them. Of the last page that a cut file
// has left the end is zeros, too, and nothing is raised: who must know asks for the file's size.
//
// The bytes may change while they are looked at, with whoever writes to the file. So what is made
// of them must bear that: no place found in one look may be relied upon in the next.
//
// Any other SIGBUS goes to whoever handled it before. The handler stays for good.
// Not chosen: sigsetjmp() around each look. It costs little, but a jump out of a goroutine's frames
//   runs no destructor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gorun::runtime {

/// More views than this at once there are not.
inline constexpr std::size_t kMostFileViews = 256;

/// threads  any, one at a time.
class FileView {
 public:
  /// `bytes`, at least one, from `offset` on. The file must have them now; `fd` may be closed.
  /// Nothing: it cannot be mapped, or there are kMostFileViews already.
  [[nodiscard]] static std::optional<FileView> map(int fd, std::uint64_t offset, std::size_t bytes);
  ~FileView();
  FileView(FileView&& other) noexcept;
  FileView& operator=(FileView&&) = delete;
  FileView(const FileView&) = delete;
  FileView& operator=(const FileView&) = delete;

  [[nodiscard]] std::string_view bytes() const { return {begin_, size_}; }

  /// Where, in bytes(), zeros were put in the place of what the file had no more when it was looked
  /// at; nothing: nowhere yet.
  [[nodiscard]] std::optional<std::size_t> torn_at() const;

 private:
  FileView(std::size_t slot, const char* begin, std::size_t size)
      : slot_(slot), begin_(begin), size_(size) {}

  std::size_t slot_;  // in which the handler finds it
  const char* begin_;
  std::size_t size_;  // 0: moved from
};

}  // namespace gorun::runtime
