#include "adapters/fusion_inputs.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/task/format/adapter_folder.h"

namespace fathom::training {
namespace {

bool StandAlike(const AdapterLayout& a, const AdapterLayout& b) {
  for (size_t place = 0; place < kPlaceCount; ++place) {
    if (a.sites[place].has_value() != b.sites[place].has_value()) return false;
    if (a.sites[place] && a.sites[place]->input != b.sites[place]->input) return false;
  }
  return true;
}

absl::Status CheckMember(const std::string& path, const AdapterFolder& member,
                         const Encoder& encoder, const FusionMembers& before) {
  const std::string& trained_on = member.training ? member.training->encoder_fingerprint : "";
  if (!trained_on.empty() && trained_on != encoder.fingerprint()) {
    return absl::InvalidArgumentError(absl::StrCat(path, " was trained on the encoder ", trained_on,
                                                   ", --encoder is ", encoder.fingerprint()));
  }
  if (std::find(before.names.begin(), before.names.end(), member.name) != before.names.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": an adapter named '", member.name, "' is there already"));
  }
  if (!before.adapters.empty() &&
      !StandAlike(before.adapters.front().layout, member.adapter.layout)) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, " is a ", member.architecture, " adapter; its modules stand or read elsewhere than ",
        "those of '", before.names.front(), "', so the two cannot be fused"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<FusionMembers> ReadFusionMembers(const std::vector<std::string>& folders,
                                                const Encoder& encoder) {
  if (folders.size() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("--adapters names ", folders.size(), " folders; a fusion needs two or more"));
  }
  FusionMembers members;
  for (const std::string& path : folders) {
    absl::StatusOr<AdapterFolder> member = ReadAdapterFolder(path, encoder.config());
    if (!member.ok()) return member.status();
    absl::Status status = CheckMember(path, *member, encoder, members);
    if (!status.ok()) return status;
    members.names.push_back(std::move(member->name));
    members.adapters.push_back(std::move(member->adapter));
  }
  return members;
}

}  // namespace fathom::training
