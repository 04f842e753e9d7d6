// A ruleset as the netlink messages of one transaction.
//
// The bytes are those between and including NFNL_MSG_BATCH_BEGIN and NFNL_MSG_BATCH_END, with
// sequence numbers from 0, ready for one send. Like the text they replace the table, whether or not
// there is one. The last message of the transaction asks for an acknowledgement. What `nft list`
// shows of the table, and what the kernel gives back over netlink, is the same as after `nft -f` of
// the text.
#pragma once

#include <string>

#include "backends/nftables/ruleset.h"

namespace firewright::nftables {

[[nodiscard]] std::string to_batch(const Ruleset& ruleset);

}  // namespace firewright::nftables
