// Flags that several sub-commands share.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <string>
#include <vector>

#include "fathom/v1/inference_service.pb.h"
#include "server/client/connection.h"
#include "server/client/depth_spec.h"
#include "server/client/text_list.h"

namespace fathom {

void AddConnectionFlags(CLI::App& app, ConnectionFlags& flags);
// A server has no admin port unless told to, so none is assumed.
void AddAdminFlags(CLI::App& app, ConnectionFlags& flags);

void AddTextFlags(CLI::App& app, TextFlags& flags);
// Throws CLI::ParseError for what the flags cannot say alone.
void CheckTextFlags(const TextFlags& flags);

void AddDepthFlags(CLI::App& app, DepthFlags& flags);

void AddTruncationFlag(CLI::App& app, v1::Truncation& truncation);

// Throws CLI::ParseError for a spec that is none (ParseTask).
v1::TaskSelector TaskOrThrow(const std::string& spec);

}  // namespace fathom
