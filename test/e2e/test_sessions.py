"""Do several sessions of one folder agree on it, while all of them, the door for new mail and perhaps another program change it? The model is
test/support/sessions.py; ten minutes of it are ./dev prove sessions."""
import os, threading

import pytest

import mail, sessions
from server import Server


@pytest.mark.parametrize("shared", [pytest.param(False, id="alone"), pytest.param(True, id="shared with another program")])
def test_all_sessions_of_a_folder_see_the_same_in_the_end(shared):
    seed = int(os.environ.get("PENNYPOST_SEED", 17))
    steps = 100
    print(f"\nseed {seed}")
    with Server(extra=sessions.ROOMY) as server:
        mail.pump(server, mail.own(40), connections=4)
        door = threading.Thread(target=lambda: mail.pump(server, mail.own(60, 9), connections=2))
        them, truth, _ = sessions.play(server, seed, 6, lambda number: number >= steps, [door], 0.01 if shared else None)
        count = sessions.agree(server, seed, them, truth, float(os.environ.get("PENNYPOST_PATIENCE", "90")))
        print(f"6 sessions, {6 * steps} steps, {count} messages in the end of {len(truth.seen)}; every picture is the folder")
