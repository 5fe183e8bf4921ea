// jobs/exec/path_set.h - the files that "inputs", "outputs" and "artifacts" of a command name.
//
//   src/a.c     itself: it has to be there
//   src/*.c     a pattern (jobs/walk/expand_glob.h): what matches, perhaps nothing
//   site        a directory, however it was named: every file below it, hidden ones included;
//               links to files are files, links to directories are not entered, and what is
//               neither file nor link (a FIFO) is passed over, as is gorun's own ".gorun"
//
// Paths are relative to the directory that the command runs in, as in its arguments. In the text of
// an item a "*" is a "*": a file's name is never taken for a pattern.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/expected.h"
#include "jobs/item.h"
#include "jobs/template.h"

namespace gorun::jobs {

/// Where paths may lead.
enum class PathBounds : std::uint8_t {
  kAnywhere,
  kInside,  // neither absolute nor by ".." out of the directory
};

/// Why `pattern` is none, or means all that there is, or leads too far, as the end of a sentence;
/// nothing if it is right.
[[nodiscard]] std::optional<std::string> what_is_wrong_with(std::string_view pattern,
                                                            PathBounds bounds);

/// A pattern that matches `text` and nothing else.
[[nodiscard]] std::string quote_for_glob(std::string_view text);

/// `name` as the process has to call it, which runs in another directory than the command.
/// directory  of the command; empty: ours.
[[nodiscard]] std::string path_in(const std::string& directory, const std::string& name);

/// The patterns that `paths` are for these items: one that refers to an item is repeated for each.
/// errors  an item that lacks a field.
[[nodiscard]] Expected<std::vector<std::string>, std::string> patterns_for(
    std::span<const Template> paths, std::span<const Item> items, std::string_view run_status);

/// What patterns stand for at one moment.
struct PathSet {
  std::vector<std::string> files;    // in byte order, none twice, as the command would call them
  std::vector<std::string> missing;  // paths that are no patterns and not there
};

/// Looks for the files, in `directory` (empty: ours).
/// errors   a directory that cannot be read, a pattern that is none.
/// threads  any; blocks in reading directories.
[[nodiscard]] Expected<PathSet, std::string> find_paths(std::span<const std::string> patterns,
                                                        const std::string& directory);

}  // namespace gorun::jobs
