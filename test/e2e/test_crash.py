"""kill -9, thirty times, under mixed load: nothing lost, doubled or torn (CATALOGUE 3.3). Five hundred times in ./dev prove crash."""
import os, time

import crash
from server import BINARY


def test_thirty_kills_under_mixed_load():
    rig = crash.run(os.environ.get("PENNYPOST_RELEASE", BINARY), 30, seed=time.time_ns())
    assert not any(rig.faults.values()), dict(rig.faults)
    assert rig.ledger.acks > 100 and all(rig.acts[a] for a in ("append", "copy", "move", "store", "expunge"))
