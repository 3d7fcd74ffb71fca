"""Every kind of sender gets exactly what it should: reply, folder, fields, row in the ledger; and nobody is refused for a DNS that is dark. The senders are
one table in test/support/judging.py; ./dev prove judging has the long form."""
import pytest

import judging


@pytest.fixture(scope="module", params=["namespaces", "loopback"])
def where(request):
    try:
        found = judging.Namespaces([s.number for s in judging.SENDERS]) if request.param == "namespaces" else judging.Loopback()
    except (OSError, judging.subprocess.CalledProcessError) as why:
        pytest.skip(f"no network namespaces here: {why}")
    yield found
    found.close()


@pytest.fixture(scope="module", params=["junk", "reject"])
def trial(request, where):
    if where.name == "loopback" and request.param == "reject":
        pytest.skip("the same twice")
    t = judging.Trial(where, request.param)
    failed = request.session.testsfailed
    try:
        yield t
    finally:
        t.close(request.session.testsfailed != failed)


@pytest.mark.parametrize("sender", judging.SENDERS, ids=lambda s: s.name.replace(" ", "-"))
def test_each_sender_gets_what_is_his(trial, sender):
    trial.check(sender)


def test_a_black_out_of_the_dns_refuses_nobody(trial):
    trial.black_out("SERVFAIL")
    trial.black_out("DROP")
