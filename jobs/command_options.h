// jobs/command_options.h - the options of what runs commands: rows of kind_options.h that are
// `exec`'s alone, and those that a `reduce` with a command has as well.
#pragma once

#include <array>
#include <string_view>

#include "jobs/graph.h"
#include "jobs/kinds.h"

namespace gorun::jobs {

inline constexpr std::array<std::string_view, 3> kStdinWays = {"none", "item", "items"};
inline constexpr std::array<std::string_view, 5> kStdoutWays = {"inherit", "items", "bytes",
                                                                "capture", "discard"};

inline constexpr std::array<std::string_view, 2> kJobserverStyles = {"pipe", "fifo"};

inline constexpr std::array<std::string_view, 4> kOutputWays = {"auto", "group", "line", "raw"};

// Of kinds that run commands.
inline constexpr OptionRow kCommandCwd = {
    .name = "cwd", .type = OptionType::kTemplate, .help = "directory to run in"};
inline constexpr OptionRow kCommandEnv = {.name = "env",
                                          .type = OptionType::kNamedTemplates,
                                          .help = "environment to add, {\"NAME\": \"text\"}"};
inline constexpr OptionRow kCommandOkCodes = {.name = "ok_codes",
                                              .type = OptionType::kIntegers,
                                              .default_text = "0",
                                              .help = "exit statuses that count as success",
                                              .max = 255};
inline constexpr OptionRow kCommandOutput = {
    .name = "output",
    .type = OptionType::kChoice,
    .default_text = "auto",
    .help =
        "group: shown whole at its end; line: with a prefix; raw; auto: group for items, else raw",
    .choices = kOutputWays};
inline constexpr OptionRow kCommandKillAfter = {
    .name = "kill_after",
    .type = OptionType::kDuration,
    .default_text = "5s",
    .help = "how long a command that was told to end (SIGTERM) has before it is killed"};
inline constexpr OptionRow kCommandGrace = {
    .name = "grace",
    .type = OptionType::kDuration,
    .default_text = "1s",
    .help = "how long processes that a command leaves behind may keep its output open"};
inline constexpr OptionRow kCommandNice = {
    .name = "nice",
    .type = OptionType::kInteger,
    .default_text = "0",
    .help = "what is added to the niceness of a command: 19 runs only when nobody else wants to",
    .max = 19};

inline constexpr OptionRow kCommandMaxRecord = {
    .name = "max_record",
    .type = OptionType::kSize,
    .default_text = "1GiB",
    .help = "a longer item that it prints ends it as failed; with limits.memory, a 128th of that",
    .min = 1};

inline constexpr std::array<OptionRow, 23> kExecOptions = {{
    {.name = "argv",
     .type = OptionType::kArgv,
     .help =
         "program and arguments; {} {.} {/} {//} {/.} {#} {%} and ${{ item }} stay one argument"},
    {.name = "shell",
     .type = OptionType::kScript,
     .help = "a script for /bin/sh; the item is its \"$1\" and never pasted into the script"},
    {.name = "stdin",
     .type = OptionType::kChoice,
     .default_text = "none",
     .help =
         "none: /dev/null; item: the item's text; items: one command for each worker is fed all",
     .choices = kStdinWays},
    {.name = "stdin_delimiter",
     .type = OptionType::kByte,
     .default_text = "\n",
     .help = "with \"stdin\": \"items\", the byte that ends an item; \"\\u0000\" for xargs -0"},
    {.name = "stdout",
     .type = OptionType::kChoice,
     .default_text = "inherit",
     .help = "inherit: gorun's own; items: one a line; bytes: cut anywhere; capture: one of all; "
             "discard",
     .choices = kStdoutWays},
    {.name = "stdout_delimiter",
     .type = OptionType::kByte,
     .default_text = "\n",
     .help = "with \"stdout\": \"items\", the byte that ends one; \"\\u0000\" for sort -z"},
    kCommandMaxRecord,
    kCommandCwd,
    kCommandEnv,
    kCommandOkCodes,
    kCommandOutput,
    {.name = "max_output",
     .type = OptionType::kSize,
     .help =
         "bytes that group keeps, the first and last, and that capture holds (default: all; 64MiB)",
     .min = 0},
    {.name = "batch",
     .type = OptionType::kInteger,
     .default_text = "1",
     .help = "items for one command, fewer if they are too long for it; {} stands for all of them",
     .min = 1},
    kCommandKillAfter,
    kCommandGrace,
    {.name = "heartbeat",
     .type = OptionType::kDuration,
     .help = "a command that has said nothing for so long is considered hung, and ended",
     .min = 1},
    kCommandNice,
    {.name = "jobserver",
     .type = OptionType::kFlag,
     .default_text = "false",
     .help = "a command, and each make that it runs, takes its jobs from one limit (see README)"},
    {.name = "jobserver_style",
     .type = OptionType::kChoice,
     .default_text = "pipe",
     .help = "how it is handed on: pipe, which every GNU make knows; fifo, for ninja 1.13",
     .choices = kJobserverStyles},
    {.name = "inputs",
     .type = OptionType::kPaths,
     .help = "paths that it reads; it is left out while they and it are as when it last succeeded"},
    {.name = "outputs",
     .type = OptionType::kPaths,
     .help = "paths that it makes, likewise: files, patterns, directories; {} is the item"},
    {.name = "cache",
     .type = OptionType::kPathOrFlag,
     .default_text = "true",
     .help = "false: always run; a path: where earlier runs are remembered, not in .gorun/cache"},
    {.name = "artifacts",
     .type = OptionType::kArtifacts,
     .help = "paths to keep copies of when it has ended, or {\"paths\", \"when\", \"to\"}"},
}};

}  // namespace gorun::jobs
