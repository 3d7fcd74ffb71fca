"""Every kind of sender gets exactly what it should: reply, folder, fields, row in the ledger; and nobody is refused for a DNS that is dark. The senders are
one table in test/support/judging.py; ./dev prove judging has the long form."""
import subprocess

import pytest

import judging


@pytest.fixture(scope="module", params=["namespaces-junk", "namespaces-reject", "loopback-junk"])
def trial(request):
    name, action = request.param.split("-")
    try:
        where = judging.Namespaces([s.number for s in judging.SENDERS]) if name == "namespaces" else judging.Loopback()
    except (OSError, subprocess.CalledProcessError) as why:
        pytest.skip(f"no network namespaces here: {why}")
    t = judging.Trial(where, action)
    failed = request.session.testsfailed
    try:
        yield t
    finally:
        t.close(request.session.testsfailed != failed)
        where.close()


@pytest.mark.parametrize("sender", judging.SENDERS, ids=lambda s: s.name.replace(" ", "-"))
def test_each_sender_gets_what_is_his(trial, sender):
    trial.check(sender)


def test_a_black_out_of_the_dns_refuses_nobody(trial):
    trial.black_out("SERVFAIL")
    trial.black_out("DROP")
