"""Do we answer as Dovecot does on the same messages? Every answer that differs must be one of a short list (test/support/differ.py), each with
its reason; a reason that is no longer needed fails too. Then commands made
at random, the same each time; new ones: ./dev prove dovecot."""
import os

import pytest

import commands, differ, dovecot
from differ import LOOKS, NAMED, REASONS, Ours, append, compare, explain, without
from server import Server


def mails_of(kind):
    if dovecot.missing():
        pytest.skip(dovecot.missing())
    mails = differ.generated() if kind == "generated" else differ.public()
    if not mails:
        pytest.skip("the public mail sets (../shared/suites/mime) are not beside this tree")
    return mails


@pytest.mark.parametrize("kind", ["generated", "public"])
def test_answers_are_those_of_dovecot_but_for_a_list(kind):
    mails, found = mails_of(kind), []
    with Server(extra=differ.SETTINGS, env={"TZ": "UTC"}) as server:
        ours = Ours(server)
        taken = append(ours, mails)
        assert len(taken) > 0.9 * len(mails)
        with dovecot.Dovecot([(one.content, flags, date) for one, flags, date in taken]) as theirs:
            compare(ours, theirs, lambda *row: found.append(row))
        ours.close()
    left, used, odd = explain(kind, taken, found)
    for what, number, a, b in found:
        if number is None and (kind == "generated" or without(odd, a) != without(odd, b)):
            left.append((what, "the folder", a, b))
    print(f"{len(taken)} messages, {len(differ.FETCHES)} FETCH, {len(differ.SEARCHES)} SEARCH, {len(differ.OTHERS)} others: {len(found)} answers differ, "
          f"{len(left)} for no reason we know")
    assert not left, "\n".join(f"{what}, {name}:\n  ours     {str(a)[:600]}\n  dovecot  {str(b)[:600]}" for what, name, a, b in left[:20])
    needless = [r for where, r, _ in LOOKS + REASONS if where in ("both", kind) and r not in used]
    if kind == "public":
        needless += [(r, n) for r, names in NAMED.items() for n in names if (r, n) not in used]
    assert not needless, needless


@pytest.mark.parametrize("seed", [30, 31])
def test_commands_made_at_random_are_answered_alike(seed):
    """The same each time, since the other side has ways of its own; `./dev prove dovecot` plays new ones."""
    mails = mails_of("generated")
    seed = int(os.environ.get("PENNYPOST_SEED", seed))
    print(f"\nseed {seed}")
    left, told = commands.play(mails, "generated", seed, leaves=30, programs=60, fetches=100, steps=60, lists=30)
    print(told)
    assert not left, f"seed {seed}\n" + "\n".join(left[:20])
