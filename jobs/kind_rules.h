// jobs/kind_rules.h - what the options of one kind ask of each other.
//
// The rows of the table settle each option by itself; what needs two of them stands here, and what
// a text means to its kind, one function a kind, each a StageKind::check or another of its
// functions.
#pragma once

#include <string_view>

#include "jobs/diagnostic.h"
#include "jobs/kinds.h"

namespace gorun::jobs {

void check_glob(const StageUse& use, Diagnostics* errors);
void check_walk(const StageUse& use, Diagnostics* errors);
void check_pipeline(const StageUse& use, Diagnostics* errors);
void check_range(const StageUse& use, Diagnostics* errors);
void check_filter(const StageUse& use, Diagnostics* errors);
void check_read(const StageUse& use, Diagnostics* errors);
void check_split(const StageUse& use, Diagnostics* errors);
void check_map(const StageUse& use, Diagnostics* errors);
void check_exec(const StageUse& use, Diagnostics* errors);
void check_http(const StageUse& use, Diagnostics* errors);
void check_reduce(const StageUse& use, Diagnostics* errors);
void check_write(const StageUse& use, Diagnostics* errors);

bool read_heeds(const StageOptions& options, std::string_view key);
bool split_heeds(const StageOptions& options, std::string_view key);
bool exec_heeds(const StageOptions& options, std::string_view key);
bool reduce_heeds(const StageOptions& options, std::string_view key);
bool write_heeds(const StageOptions& options, std::string_view key);
bool route_sends_nothing(const StageOptions& options);
bool exec_wants_one_worker(const StageOptions& options);
bool exec_sends_nothing(const StageOptions& options);

}  // namespace gorun::jobs
