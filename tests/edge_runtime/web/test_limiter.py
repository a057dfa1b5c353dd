"""Who guesses passwords waits longer and longer; nobody else does."""

from __future__ import annotations

from edge_runtime.web.limiter import FREE, Limiter


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def guess(limiter: Limiter, user: str, address: str, times: int) -> None:
    for _ in range(times):
        limiter.failed(user, address)


def test_a_few_failures_cost_nothing() -> None:
    limiter = Limiter(Clock())
    guess(limiter, "anna", "10.0.0.1", FREE["pair"] - 1)
    assert limiter.wait("anna", "10.0.0.1") == 0


def test_each_further_failure_doubles_the_wait_up_to_a_quarter_of_an_hour() -> None:
    limiter = Limiter(Clock())
    guess(limiter, "anna", "10.0.0.1", FREE["pair"])
    waits = []
    for _ in range(8):
        waits.append(limiter.wait("anna", "10.0.0.1"))
        limiter.failed("anna", "10.0.0.1")
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]


def test_another_address_may_log_in_meanwhile() -> None:
    limiter = Limiter(Clock())
    guess(limiter, "anna", "10.0.0.1", 10)
    assert limiter.wait("anna", "10.0.0.2") == 0
    assert limiter.wait("bert", "10.0.0.1") == 0


def test_many_names_from_one_address_are_one_guesser() -> None:
    limiter = Limiter(Clock())
    for number in range(FREE["address"]):
        limiter.failed(f"user {number}", "10.0.0.1")
    assert limiter.wait("another", "10.0.0.1") > 0


def test_many_addresses_against_one_user_are_one_guesser() -> None:
    limiter = Limiter(Clock())
    for number in range(FREE["user"]):
        limiter.failed("anna", f"10.0.0.{number}")
    assert limiter.wait("anna", "10.0.1.1") > 0


def test_many_addresses_against_many_users_are_one_guesser() -> None:
    limiter = Limiter(Clock())
    for number in range(FREE["all"]):
        limiter.failed(f"user {number}", f"10.0.0.{number}")
    assert limiter.wait("another", "10.0.1.1") > 0


def test_an_address_of_ipv6_is_its_network() -> None:
    limiter = Limiter(Clock())
    for number in range(FREE["pair"]):
        limiter.failed("anna", f"2001:db8::{number + 1:x}")
    assert limiter.wait("anna", "2001:db8::ffff:1") > 0
    assert limiter.wait("anna", "2001:db8:0:1::1") == 0


def test_who_succeeds_has_made_no_failure() -> None:
    limiter = Limiter(Clock())
    for _ in range(1000):
        limiter.failed("anna", "10.0.0.1")
        limiter.forgive("anna", "10.0.0.1")
    assert limiter.wait("anna", "10.0.0.1") == 0


def test_failures_are_forgotten_after_half_an_hour() -> None:
    clock = Clock()
    limiter = Limiter(clock)
    guess(limiter, "anna", "10.0.0.1", 9)
    clock.now = 1801
    limiter.failed("anna", "10.0.0.1")
    assert limiter.wait("anna", "10.0.0.1") == 0


def test_counts_take_bounded_memory() -> None:
    limiter = Limiter(Clock())
    for number in range(30_000):
        limiter.failed(f"user {number}", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(limiter._counts) == 20_000


def test_who_succeeds_makes_nobody_wait() -> None:
    clock = Clock()
    limiter = Limiter(clock)
    guess(limiter, "nobody", "10.0.0.1", FREE["address"])
    clock.now = limiter.wait("anna", "10.0.0.1")
    limiter.failed("anna", "10.0.0.1")
    limiter.forgive("anna", "10.0.0.1")
    assert limiter.wait("bert", "10.0.0.1") == 0


def test_failures_are_forgotten_though_others_succeed_meanwhile() -> None:
    clock = Clock()
    limiter = Limiter(clock)
    guess(limiter, "nobody", "10.0.0.1", FREE["address"] - 1)
    for clock.now in (1000, 2000):
        limiter.failed("anna", "10.0.0.1")
        limiter.forgive("anna", "10.0.0.1")
    limiter.failed("bert", "10.0.0.1")
    assert limiter.wait("carl", "10.0.0.1") == 0


def test_who_logs_in_where_they_did_before_is_not_kept_out_from_elsewhere() -> None:
    limiter = Limiter(Clock())
    limiter.failed("anna", "10.0.0.1")
    limiter.forgive("anna", "10.0.0.1")
    for number in range(FREE["all"]):
        limiter.failed("anna", f"10.0.1.{number}")
    assert limiter.wait("anna", "10.0.0.1") == 0
    assert limiter.wait("anna", "10.0.0.2") > 0
    assert limiter.wait("bert", "10.0.0.1") > 0


def test_a_place_that_is_known_is_no_place_to_guess_from() -> None:
    limiter = Limiter(Clock())
    limiter.failed("anna", "10.0.0.1")
    limiter.forgive("anna", "10.0.0.1")
    guess(limiter, "anna", "10.0.0.1", FREE["pair"])
    assert limiter.wait("anna", "10.0.0.1") > 0
